#pragma once
/*
 * struct sieve: whom to evict (Zhang et al., NSDI 2024). A hand walks from old
 * to new and takes the first object that was not asked for since it last came
 * by. All objects of a store are in one, in the order in which they came, so
 * that memory that was taken together is given back together. Any thread.
 */
#include "cache/object.h"

struct sieve {
	pthread_mutex_t lock; /* guards all, and each object's sieve; inside a
				 shard's. For a moment, by those who miss */
	struct list objects;  /* newest first */
	struct list *hand;    /* NULL: start at the oldest */
	size_t count;
};

void sieve_init(struct sieve *v);
/* It must be empty. */
void sieve_fini(struct sieve *v);

void sieve_add(struct sieve *v, struct object *o);
void sieve_drop(struct sieve *v, struct object *o);

enum sieve_result {
	SIEVE_EMPTY,
	SIEVE_PASSED, /* all that it came by stay; ask again */
	SIEVE_EVICT,
	SIEVE_MOVE, /* it stays, but should move out of the way */
};

/* *out is a reference of the caller's, if EVICT or MOVE. */
enum sieve_result sieve_next(struct sieve *v, struct object **out);
/* One that is in it, borrowed; or NULL. For the end, when no others come. */
struct object *sieve_any(struct sieve *v);
