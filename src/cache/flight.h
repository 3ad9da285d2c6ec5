#pragma once
/*
 * struct flight: a response on its way, from an origin or a peer to those who
 * wait for it. Reference-counted; any thread may hold one. Its life:
 *
 *	WAITING ──► READY (head known, body streams in, then ends)
 *	   ├──────► INSTEAD (what is stored already is the answer)
 *	   └──────► FAILED (no head will come: status and reason say why)
 *
 * Whoever made it writes it; all others read. After READY the head does not
 * change. Progress is told through the body's readers.
 */
#include "cache/body.h"
#include "cache/response.h"

struct object;

enum flight_phase {
	FLIGHT_WAITING,
	FLIGHT_READY,
	FLIGHT_INSTEAD,
	FLIGHT_FAILED
};

struct flight {
	_Atomic unsigned refs;
	_Atomic int phase; /* enum flight_phase */
	struct body body;
	struct response response; /* its text owned; from READY on */
	struct object *instead;	  /* counted; from INSTEAD on; or NULL, or what
				     is stored, which whoever asked first did
				     not want when the origin failed */
	unsigned instead_of;	  /* the status that came, 304 or an error; 0:
				     none came */
	unsigned error_status;	  /* from FAILED on, or when the body failed */
	const char *error;	  /* static text */
	_Atomic unsigned asked;	  /* the writer's: whom it asks; 0: nobody */
	/* The head turned out not to be for others: whoever joined the wait
	 * asks for himself. Set before READY. */
	bool private_;
	/* Complete and stored, or not to be: set, and told to the body's
	 * readers, when nobody boards it any more. */
	_Atomic bool landed;
	/* "Name: value\r\n"..., owned: what came behind the body, for those who
	 * read it as it came; never stored. Set before the body is DONE. */
	struct str trailers;

	/* the store's, empty if it is for nobody else */
	char *key; /* owned, not terminated */
	size_t key_bytes;
	uint64_t hash;
	struct str selector; /* owned; p is NULL until it is known */
	uint32_t serial;     /* in the order in which they began */
	bool authorized;     /* see struct wanted */
	bool alone;	     /* nobody else boards */
	struct list link;    /* counted; guarded by the shard's lock, with: */
	bool purged;	     /* not to be stored */
};

/* A transient one, for one reader, with one reference. */
struct flight *flight_new(struct budget *budget);
struct flight *flight_ref(struct flight *f);
void flight_unref(struct flight *f); /* NULL is fine */

/* The writer's. r's fields are copied. */
void flight_ready(struct flight *f, const struct response *r);
/* o's reference is taken over; status: what came (304), or 0. Ends it. */
void flight_instead(struct flight *f, struct object *o, unsigned status);
/* The body is DONE. trailers are copied. */
void flight_end(struct flight *f, struct str trailers);
void flight_fail(struct flight *f, unsigned status, const char *error);
/* Before a failure, or what the origin says of its own, is told: o will do for
 * some of those who wait. Its reference is taken over. */
void flight_offer(struct flight *f, struct object *o, unsigned status);

static inline enum flight_phase
flight_phase(const struct flight *f)
{
	return (enum flight_phase)atomic_load_explicit(
		&f->phase, memory_order_acquire);
}

static inline struct str
flight_key(const struct flight *f)
{
	return str_of(f->key, f->key_bytes);
}
