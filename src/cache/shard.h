#pragma once
/*
 * struct shard: a part of a store: a hash table of objects that is read without
 * its lock, and the flights to it. A reader who meets a change midway may miss
 * what is there, and then finds it with the lock held, in store_board(). What
 * is taken out is freed when all who may be looking at it have gone
 * (base/epoch.h).
 */
#include <pthread.h>

#include "base/list.h"
#include "cache/object.h"

struct sieve;
struct wanted;

struct table {
	size_t nslots; /* a power of two */
	struct object *_Atomic slots[];
};

struct shard {
	struct sieve *sieve;  /* borrowed: has all that is in, and a lock of
				 its own, inside ours */
	pthread_mutex_t lock; /* guards all below but the table's being read,
				 and its objects' stored. Taken by those who
				 miss, never by a hit */
	struct table *_Atomic table; /* owned */
	size_t count, marks;
	struct list flights; /* that may be boarded: few */
};

void shard_init(struct shard *h, struct sieve *sieve);
void shard_fini(struct shard *h); /* it must be empty */

/* The newest that is selected, or else the mark; borrowed, as long as the epoch
 * or the lock holds. *other: some other variant, or NULL. */
struct object *shard_find(struct shard *h, const struct wanted *w,
	uint64_t hash, struct object **other);

/* --- with the lock held --------------------------------------------------- */
/* o's reference is taken over. */
void shard_insert_locked(struct shard *h, struct object *o);
/* Its chain stays for those who stand on it. */
void shard_remove_locked(struct shard *h, struct object *o);
/* It takes the place of those of the same selection, of marks, and of the
 * oldest of too many variants. o's reference is taken over. */
void shard_put_locked(struct shard *h, struct object *o);
