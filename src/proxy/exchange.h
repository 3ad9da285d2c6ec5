#pragma once
/*
 * struct exchange: one request and the object that answers it. It decides
 * where the answer comes from: our cache, a fetch that is under way or that it
 * starts, the owner among our peers, or past all caches from the origin; and
 * decides anew when a peer is lost before it answered.
 *
 * Whoever has the request (a client's connection or a peer's channel) makes
 * the exchange, is told through on_ready() that there is more to see, looks at
 * x->object when exchange_phase() says so, reads by x->reader, and frees it
 * when done or no longer interested. An answer that nobody reads any more ends
 * itself.
 */
#include "base/arena.h"
#include "proxy/route.h"
#include "proxy/worker.h"

enum exchange_from {
	FROM_US, /* an error of ours */
	FROM_HIT,
	FROM_JOIN,
	FROM_MISS,
	FROM_PASS,
	FROM_PEER,
};

struct exchange {
	struct worker *worker; /* borrowed */
	struct arena arena;
	struct head head; /* in the arena */
	struct route route;
	struct in_addr client; /* 0: a peer asks */
	bool from_peer;
	uint64_t passed_over; /* peers that were lost: a bit per index */
	size_t owner;	      /* FROM_PEER: whom we asked */
	enum exchange_from from;
	struct object *object; /* counted */
	/* A request's body on its way, written by whoever has the request;
	 * counted; NULL when there is none. */
	struct object *upload;
	struct reader reader; /* of the object's body */
	struct wake wake;
	void *user; /* whoever has the request */
	void (*on_ready)(struct exchange *x);
};

/* Copies the head (its h->bytes of raw) and takes no action yet. */
struct exchange *
exchange_new(struct worker *w, const struct head *h, const char *raw);
/* Finds the answer; on_ready() comes later, never before this returns. */
void exchange_start(struct exchange *x);
/* What has become of x->object; WAITING as well when it turned out not to be
 * the answer, and another one is about to take its place. */
enum object_phase exchange_phase(const struct exchange *x);
/* Answers with an error of ours instead. */
void exchange_refuse(struct exchange *x, unsigned status, const char *why);
void exchange_free(struct exchange *x); /* NULL is fine */
