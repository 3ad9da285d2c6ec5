#pragma once
/*
 * struct peer, for its own files only: peer.c is its course, what is dialled
 * and what becomes of it; peer_ask.c has the questions that are open,
 * peer_answer.c what is said to them, peer_move.c the connections that are
 * given to it. An answer that comes in pieces is a struct inflow (inflow.h).
 */
#include "placement/damp.h"
#include "proxy/bulk.h"
#include "proxy/channel.h"
#include "proxy/inflow.h"
#include "proxy/peer.h"

/* A request that the peer answers. */
struct ask {
	uint32_t stream;
	struct exchange *x;    /* borrowed; until there is a head */
	struct inflow *inflow; /* ends itself; from then on */
	uint16_t waits;	       /* where in worker->waiting, + 1; 0: no more */
};

struct peer {
	struct channel_user user;
	struct worker *worker; /* borrowed */
	size_t index;
	struct channel *channel; /* NULL while down; ends by itself */
	bool up, dialled;
	struct timer redial;

	/* By the low half of their stream's number; the upper half is a
	 * generation, so that a late frame of an ended stream finds nothing.
	 * One that is not open has neither x nor inflow. */
	struct ask *asks; /* owned */
	size_t nasks, nfree;
	uint16_t *free_slots; /* owned: a stack */
	uint16_t generation;
	struct bulks bulks;
	unsigned refusals;	/* of connections, in a row */
	uint64_t not_before_ns; /* is it to be given one again */
	struct buf offer;	/* to write one in */
	struct list calls;
	uint32_t last_call;
	struct damp damp;
	uint64_t started_ns;
	uint32_t told_load; /* with its last answer */
	uint64_t told_ns;
};

/* --- peer_ask.c ----------------------------------------------------------- */
/* NULL: it is not open any more. */
struct ask *ask_find(struct peer *p, uint32_t stream);
bool ask_has_slot(const struct peer *p);
/* For x, when there is a slot. */
void ask_open(struct peer *p, struct exchange *x);
void ask_end(struct peer *p, uint32_t stream);
/* The peer has begun to answer. */
void ask_heard(struct peer *p, struct ask *a);
/* The peer is lost: whoever has seen nothing yet asks another one. */
void ask_lose_all(struct peer *p);

/* --- what the peer says; false: it makes no sense ------------------------- */
/* To a question; a is NULL where we have cancelled it. */
bool peer_on_answer(
	struct peer *p, struct ask *a, enum wire_type type, struct str payload);
/* TAKE: it would rather have the connection than answer. */
bool peer_on_take(struct peer *p, struct ask *a, struct str payload);
/* TAKEN or REFUSED. */
bool peer_on_moved(struct peer *p, uint32_t stream, enum wire_type type);
