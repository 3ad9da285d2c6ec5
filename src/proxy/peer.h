#pragma once
/*
 * struct peer: another node, as this worker sees it: the channel that we
 * opened to it and our questions on it. It is dialled again and again while it
 * is down; it is up when it has said hello.
 */
#include "proxy/exchange.h"

struct peer;
struct purge;

struct peer *peer_new(struct worker *w, size_t index);
void peer_free(struct peer *p);
bool peer_is_up(const struct peer *p);
/* Nobody has answered or refused its first dial yet. */
bool peer_is_unknown(const struct peer *p);

/* Asks the peer, which must be up, for x. What it says is told to x, after this
 * has returned. If x->on_owner, its connection is offered with it. */
void peer_ask(struct peer *p, struct exchange *x);
/* What it might still say is of no interest. x->asking. */
void peer_cancel(struct peer *p, struct exchange *x);

/* How much longer than at best a round trip takes now. False: unknown. */
bool peer_wait_us(const struct peer *p, double *out);
/* Can it be given connections? */
bool peer_takes(const struct peer *p);
/* Gives it that of x; text is what it consists of (see take.h). What it says
 * is told through x->on_move(), after this has returned; REFUSED ends it. */
void peer_move(struct peer *p, struct exchange *x, struct str text);
/* It is the peer's now: the end of it. */
void peer_go(struct peer *p, struct exchange *x);

/* The peer must be up. */
void peer_purge(struct peer *p, const struct purge *purge);

/* A question for the peer's own status; the caller's. */
struct peer_call {
	struct list link;
	uint32_t stream;
	/* JSON, or p == NULL when the peer went down. */
	void (*on_reply)(struct peer_call *call, struct str json);
};

/* The peer must be up. */
void peer_call(struct peer *p, struct peer_call *call);
void peer_call_cancel(struct peer_call *call); /* harmless if answered */
