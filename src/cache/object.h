#pragma once
/*
 * struct object: one response, head and body, under a key. Reference-counted;
 * any thread may hold it. Its life:
 *
 *	WAITING ──► READY (head known, body streams in, then ends)
 *	   └──────► FAILED (no head will come: status and reason say why)
 *
 * Whoever made it writes it; all others read. After READY the head does not
 * change. Progress is told through the body's readers.
 */
#include "cache/body.h"

struct store;

enum object_phase { OBJECT_WAITING, OBJECT_READY, OBJECT_FAILED };

/* What is kept of a response's head. */
struct object_head {
	unsigned status;
	struct str fields;   /* "Name: value\r\n"..., end-to-end ones only,
				without those that an answer makes anew (Age,
				Content-Length, Connection) */
	int64_t length;	     /* of the body; -1: not known until it ends */
	int64_t born_s;	     /* wall clock at which its age was 0 */
	int64_t lifetime_s;  /* fresh while age < lifetime */
	const char *why_not; /* static: why it is not stored; NULL: it is */
};

struct object {
	_Atomic unsigned refs;
	struct body body;
	_Atomic int phase;	 /* enum object_phase */
	struct object_head head; /* fields owned; from READY on */
	/* The head turned out not to be for others: whoever joined the wait
	 * asks for himself. Set before READY. */
	bool private_;
	/* The other end of a peer channel went before a head came: another
	 * owner may be asked. Set before FAILED. */
	bool peer_lost;
	unsigned error_status; /* from FAILED on, or when the body failed */
	const char *error;     /* static text */

	/* the store's */
	char *key; /* owned, not terminated */
	size_t key_bytes;
	uint64_t hash;
	struct object *chain; /* guarded by the shard's lock, as are: */
	struct list sieve;
	bool stored;
	_Atomic bool visited;
};

/* A transient object, in no store, with one reference. */
struct object *object_new(struct budget *budget);
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* NULL is fine */

/* The writer's. fields is copied. */
void object_ready(struct object *o, const struct object_head *head);
void object_fail(struct object *o, unsigned status, const char *error);

static inline enum object_phase
object_phase(const struct object *o)
{
	return (enum object_phase)atomic_load_explicit(
		&o->phase, memory_order_acquire);
}

static inline bool
object_fresh(const struct object *o, int64_t now_s)
{
	return now_s - o->head.born_s < o->head.lifetime_s;
}
