#pragma once
/*
 * struct channel: one connection between a worker and a peer node, on which
 * many requests and answers share each write. Who dialled it asks (peer.h),
 * who accepted it answers (serve.h). What it carries is in wire.h.
 *
 * If the cluster has a secret, all that follows the two hellos is sealed
 * (handoff/seal.h), a turn's frames at once, but for bodies of 2 KB and more;
 * and nothing is done that the other end says before it has proved that it has
 * the secret, too: each end says something at once, so that the other can see.
 */
#include "base/buf.h"
#include "net/loop.h"
#include "proxy/hello.h"
#include "proxy/scarcity.h"
#include "proxy/wire.h"

#include <netinet/in.h>

struct channel;
struct tickets;
struct worker;

/* What sits on top: an asker or an answerer. */
struct channel_user {
	/* The hello was fine, and the other end is who it says: peer is the
	 * index of that node. If it dialled us for bulk, which is for depot.h
	 * to prove, the channel must be released. */
	void (*on_up)(struct channel_user *u, size_t peer,
		const struct hello *theirs);
	/* A frame other than HELLO and PING. False: it makes no sense, and
	 * the channel is closed. */
	bool (*on_frame)(struct channel_user *u, enum wire_type type,
		uint32_t stream, struct str payload);
	/* There is room for more frames; called once a turn, and when what
	 * was sent has gone out. */
	void (*fill)(struct channel_user *u);
	/* The channel has ended; it frees itself. */
	void (*on_down)(struct channel_user *u);
};

/* fd, which is taken over, was dialled for that peer. NULL, with fd closed,
 * when it can't be watched. */
struct channel *channel_dialled(
	struct worker *w, int fd, size_t peer, struct channel_user *user);
/* The same, for what addr dialled. */
struct channel *channel_accepted(struct worker *w, int fd, struct in_addr addr,
	struct channel_user *user);
/* In on_down(): it ended since the machine at the other end says nothing, not
 * only the process. */
bool channel_host_is_silent(const struct channel *ch);
/* The connection is the caller's, the channel ends without on_down(). */
int channel_release(struct channel *ch);
/* Ends it, later in this turn: on_down() is called then. */
void channel_close(struct channel *ch, const char *why);
void channel_close_all(struct worker *w);

/* A frame of that, for connections that are no channel. */
void
channel_put_hello(const struct node *n, const struct hello *h, struct buf *out);
/* A frame is written at the tail of the buffer between these two. */
struct buf *channel_begin(struct channel *ch);
void channel_end(struct channel *ch, enum wire_type type, uint32_t stream);
/* The same: the last n bytes are of a body, which need not be sealed. */
void channel_end_body(
	struct channel *ch, enum wire_type type, uint32_t stream, size_t n);
/* Both. */
void channel_send(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload);
/* Within a frame: a request's head, made short (lines.h). */
void channel_put_head(struct channel *ch, struct str head);
/* Appends what such a one was, which has to be taken in the order in which they
 * came. False: it makes no sense. */
bool channel_take_head(struct channel *ch, struct str packed, struct buf *head);
/* Has the cluster a secret? */
bool channel_is_sealed(const struct channel *ch);
/* Of one that is up: for connections that belong to it. */
const struct tickets *channel_tickets(const struct channel *ch);
/* How much longer than at best round trips take now. False: unknown. */
bool channel_wait(const struct channel *ch, struct wait *out);
/* Is there room for another frame of bulk? */
bool channel_has_room(const struct channel *ch);
/* Has fill() called at the end of this turn. */
void channel_fill_later(struct channel *ch);
