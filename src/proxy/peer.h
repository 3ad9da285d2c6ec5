#pragma once
/*
 * struct peer: another node, as this worker sees it: the channel that we
 * opened to it and our questions on it. It is dialled again and again while it
 * is down; it is up when it has said hello.
 */
#include "proxy/exchange.h"
#include "proxy/wire.h"

struct peer;
struct snapshot;

struct peer *peer_new(struct worker *w, size_t index);
void peer_free(struct peer *p);
bool peer_is_up(const struct peer *p);
/* Nobody has answered or refused its first dial yet. */
bool peer_is_unknown(const struct peer *p);

/* It is up, and has been for long enough after it fell. */
bool peer_is_trusted(const struct peer *p);
/* On our clock; 0: it has not been up yet. */
uint64_t peer_started_ns(const struct peer *p);
/* Requests that it has under way, as far as we know: what it said last, and
 * what we have asked since. */
uint32_t peer_load(const struct peer *p);
/* A frame that expects no answer. The peer must be up. */
void peer_send(struct peer *p, enum wire_type type, struct str payload);
/* Tells all peers that are up our roster. */
void peer_tell_all(struct worker *w);

/* Asks the peer, which must be up, for x. What it says is told to x, after this
 * has returned. If x->on_owner, its connection is offered with it. */
void peer_ask(struct peer *p, struct exchange *x);
/* Where such questions are counted. */
_Atomic uint64_t *peer_counter(const struct exchange *x);
/* What it might still say is of no interest. x->asking. */
void peer_cancel(struct peer *p, struct exchange *x);

/* How much longer than at best round trips to peers take now, in the mean of
 * peers; 0: not known. */
struct wait peers_wait(const struct worker *w);
/* Can it be given connections? */
bool peer_takes(const struct peer *p);
/* Gives it that of x, which is like that and has the client of that address
 * (see take.h). What it says is told through x->on_move(), after this has
 * returned; REFUSED ends it. */
void peer_move(struct peer *p, struct exchange *x, const struct snapshot *s,
	const struct in6_addr *client);
/* It is the peer's now: the end of it. */
void peer_go(struct peer *p, struct exchange *x);

/* A question (STATUS, EXPLAIN, PURGE) for the peer itself; the caller's. */
struct peer_call {
	struct list link;
	uint32_t stream;
	/* What it says, or p == NULL when the peer went down. */
	void (*on_reply)(struct peer_call *call, struct str reply);
};

/* The peer must be up. */
void peer_call(struct peer *p, struct peer_call *call, enum wire_type type,
	struct str payload);
void peer_call_cancel(struct peer_call *call); /* harmless if answered */
