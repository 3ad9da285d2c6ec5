#pragma once
/*
 * struct store: the responses of a node by key, within a budget of bytes:
 * those that are complete (objects), and those on their way that others may
 * join (flights), so that a key is fetched once however many wait. Shared by
 * all threads; finding an object takes no lock.
 *
 * Eviction is SIEVE (Zhang et al., NSDI 2024): a hand walks from old to new
 * and takes the first object that was not asked for since it last came by.
 */
#include "cache/object.h"

struct store;

/* NULL and errno when the kernel gives no memory to send files from. */
struct store *store_new(uint64_t limit_bytes);
/* Nobody may fill or hold anything of it any more. */
void store_free(struct store *s); /* NULL is fine */

/* What is asked for. */
struct wanted {
	struct str key;
	const struct head *request; /* by which variants are selected */
	bool authorized;	    /* not to be mixed with those who are not */
	/* The key's XXH3, or that of the key whose response it's made of; 0:
	 * not known. */
	uint64_t hash;
	/* Wall clock. What is on its way may be so for longer than it is fresh:
	 * then it is not for those who come. 0: it is. */
	int64_t now_s;
};

/* What is stored for it, fresh or not, or a mark: a reference of the caller's;
 * NULL when there is nothing. others: there are other variants of the key. */
struct object *
store_find(struct store *s, const struct wanted *w, bool *others);

enum store_result {
	STORE_STORED, /* somebody was faster: find it again */
	STORE_JOIN,   /* somebody fetches it: wait for its head */
	STORE_BEGIN,  /* new, and the caller's to fill */
};

/* Of what is wanted, `seen` is stored (NULL: nothing), and is not good enough.
 * *out is a reference of the caller's, unless STORED. */
enum store_result store_board(struct store *s, const struct wanted *w,
	const struct object *seen, struct flight **out);
/* One that is under way already: a reference of the caller's, or NULL. */
struct flight *store_flight(struct store *s, const struct wanted *w);
/* One to fill that nobody else boards. */
struct flight *store_begin_alone(struct store *s, const struct wanted *w);
/* What its Vary selects is known: others may not board any more. Copied. */
void store_select(struct store *s, struct flight *f, struct str selector);
/* It turned out to be under another key; if somebody fetches that already,
 * nobody else boards this one. */
void store_rename(struct store *s, struct flight *f, struct str key);
/* Nobody boards any more. Harmless when nobody can anyway. */
void store_depart(struct store *s, struct flight *f);
/* Its body is complete: it becomes an object, in place of older ones, unless
 * it has been purged. */
void store_keep(struct store *s, struct flight *f);
/* A flight has found another head for what is stored: by takes its place,
 * unless the flight has been purged. by's reference is taken over. */
void store_renew(
	struct store *s, struct flight *f, struct object *o, struct object *by);
/* by takes o's place, if o is (still) in; its reference is taken over. */
void store_replace(struct store *s, struct object *o, struct object *by);
/* Anything that is stored under a key of that XXH3 hash: a reference of the
 * caller's, or NULL. */
struct object *store_find_hash(struct store *s, uint64_t hash);
/* Takes o out, if it is in: later requests don't find it. */
void store_remove(struct store *s, struct object *o);
/* Something else to be stored in consequence of a flight, in place of older
 * ones, unless it has been purged. */
void store_put_beside(struct store *s, const struct flight *f, struct str key,
	const struct response *r, struct str body, uint32_t serial);
/* For so long, requests for the key don't wait for one another. */
void
store_mark(struct store *s, struct str key, int64_t now_s, uint32_t lifetime_s);
/* Behind a key, it is the key of what its parts have in common: see
 * proxy/segment.h. Purging the former purges the latter. */
#define STORE_PARTS "#"
/* Behind a key, and with a name behind it, it is the key of what was made of
 * its response: see proxy/rendition.h. Purging the former purges all of these.
 */
#define STORE_MADE "#="

enum purge_kind { PURGE_KEY, PURGE_PREFIX, PURGE_TAG };

struct purge {
	enum purge_kind kind;
	struct str what; /* a key, the beginning of keys, or a tag */
	bool soft;	 /* it may still be used where stale responses may */
};

/* How many objects it took out, or outdated. What is on its way and concerned,
 * or may be, is not stored, nor boarded any more. */
size_t store_purge(struct store *s, const struct purge *p);

/* The same bit by bit, since all but keys are looked for everywhere. Zero at
 * first, but for the purge. */
struct purge_walk {
	struct purge purge; /* what: borrowed */
	unsigned shard;	    /* the next to be looked at, */
	size_t slot;	    /* from there on */
	size_t objects;	    /* so far */
};

/* Looks at about so many objects more. False when that was all. */
bool store_purge_some(struct store *s, struct purge_walk *w, size_t max);
/* Evicts until the budget holds or nothing is left to evict. Writers call it
 * as bodies grow. */
void store_trim(struct store *s);
/* After that: is more in use all the same, by what is on its way? */
bool store_is_full(const struct store *s);

size_t store_count(struct store *s); /* without marks */
uint64_t store_bytes(const struct store *s);
/* Where the large objects' bodies are. */
struct pages *store_pages(const struct store *s);

/* Where a look at all that is stored is; zero at first. */
struct store_walk {
	unsigned shard; /* the next to be looked at, */
	size_t slot;	/* from there on */
};

/* Shows fn about so many more objects that are neither marks nor parts. False
 * when that was all; what came or went meanwhile may be missed. With a lock
 * held: fn may not use the store. */
bool store_walk_some(struct store *s, struct store_walk *w, size_t max,
	void (*fn)(void *ctx, const struct object *o), void *ctx);
