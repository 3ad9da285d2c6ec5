#pragma once
/*
 * struct request: what a client's connection has while a request is being read
 * or answered; idle connections have none. Those that are done with one leave
 * it for the next.
 */
#include "handoff/move.h"
#include "handoff/snapshot.h"
#include "proxy/pace.h"
#include "proxy/reply.h"
#include "proxy/upload.h"

struct conn;
struct peer;
struct tunnel;

/* Of give.h, while its connection is being given to another node. */
struct give_state {
	struct snapshot snapshot;
	enum move_state state;
	struct peer *peer; /* borrowed: the taker */
	struct timer timer;
};

struct request {
	struct worker *worker; /* borrowed */
	struct conn *conn;     /* borrowed */
	struct buf in;	       /* what the client sent */
	struct exchange *x; /* owned; NULL while the head is read, or refused */
	size_t head_bytes;  /* at the start of in, that x still looks at */
	bool keep_alive;    /* may another one follow on the connection? */
	struct upload upload;
	struct reply reply;
	struct tunnel *tunnel; /* owned; NULL: none */
	struct pace pace;      /* of the client, both ways */
	struct list unsent;    /* in worker->unsent: its answer, soon to be */
	struct list yielding;  /* in worker->yielding */
	unsigned answered;     /* of those on its connection, since it did */
	bool stays;	       /* its head is in its buffer while it waits */
	bool held;	       /* ... or has been, or is not to be */
	struct give_state give;
};

/* on_wake: of the upload. */
struct request *
request_get(struct worker *w, struct conn *c, void (*on_wake)(struct wake *w));
/* It ends, whatever became of it. */
void request_put(struct request *q);
/* The same for one that is as request_get() or request_next() left it, and has
 * nothing in its buffer. */
void request_spare(struct request *q);
/* Many requests wait, and few are being read or written: buffers that are empty
 * go from hand to hand. Those that one is born with are borrowed. */
void request_borrow(struct request *q);
/* The next head, parsed from what there is into an exchange of its own. 0: *x
 * is the caller's. -EAGAIN: more has to come. -EINVAL: *error says what is
 * wrong. */
int request_parse(
	struct request *q, struct exchange **x, struct route_error *error);
/* From here on the head is the exchange's own; what follows it can be read. */
void request_keep_head(struct request *q);
/* It waits for others. A few leave their heads where they are, for which their
 * buffers stay with them. */
void request_wait(struct request *q);
/* Its answer is sent with those of others; the first of these, or NULL. */
void request_hold(struct request *q);
struct request *request_unsent(struct worker *w);
/* Has its connection had so many answers that it is others' turn? Then what
 * has come for it is gone on with in the loop's next turn. */
bool request_yields(struct request *q);
/* All of the answer is in the reply: what it was made of is let go. */
void request_release(struct request *q);
/* The request has been answered; the next one may be in the buffer already. */
void request_next(struct request *q);
/* Frees those that are spare. */
void request_drop_spares(struct worker *w);
