#pragma once
/*
 * struct bulk: a connection on which an owner sends us large bodies, one after
 * the other (depot.h is his end of it). Nobody looks at their bytes here: they
 * go from socket to socket through a pipe, without being copied. No more of a
 * body is with us than the pipe holds and the two sockets, so that a client who
 * is slow holds back his own connection and nobody else's. What comes on it may
 * be there, and it may have ended, before the channel says which body it is.
 *
 * struct bulks: all that go with a channel to a peer.
 */
#include "cache/body.h"
#include "handoff/seal.h"
#include "proxy/worker.h"

struct bulk;

struct bulks {
	struct worker *worker; /* borrowed */
	size_t peer;
	struct tickets tickets; /* the channel's: whoever opens one sets it */
	struct list all;	/* struct bulk */
	unsigned n;		/* in all */
	unsigned dialled;	/* of these, not yet connected */
	uint32_t last;		/* number given */
	/* That connection is free for another body: the owner is to hear. */
	void (*on_free)(struct bulks *bs, uint32_t number);
};

/* All else is zero. */
void bulks_init(struct bulks *bs, struct worker *w, size_t peer);
/* One more would be of use. */
void bulks_want(struct bulks *bs);
/* The channel is lost, and so is all that goes with it. Another one may be
 * opened. */
void bulks_close(struct bulks *bs);
/* NULL: it is not there any more. */
struct bulk *bulks_find(struct bulks *bs, uint32_t number);

/* What comes on it is of no interest. False when somebody reads it. */
bool bulk_drop(struct bulk *b);
/* n bytes are to come on it. False when some are on their way already.
 * on_progress: there is more to send, or it broke. */
bool bulk_begin(struct bulk *b, uint64_t n, void (*on_progress)(void *user),
	void *user);
/* The reader leaves. What he has not taken is lost, and the connection too. */
void bulk_end(struct bulk *b);
/* Sends out, and then the body, as far as it is there and fd takes it. How many
 * bytes went; 0 when there are none for now; negative errno when fd takes none,
 * or the body broke off and what there was has gone. */
ssize_t bulk_send(struct bulk *b, int fd, struct str out);
/* DONE: all went. FAILED: what there was went, and no more will come. */
enum body_state bulk_state(const struct bulk *b);
