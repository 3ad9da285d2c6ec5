#pragma once
/*
 * struct store, for its own files only: store.c, store_flight.c (what is on its
 * way) and store_purge.c.
 */
#include <xxhash.h>

#include "cache/shard.h"
#include "cache/sieve.h"
#include "cache/store.h"

enum { SHARDS = 64 };

struct store {
	struct budget budget;
	struct pages *pages;	  /* owned */
	_Atomic uint32_t serials; /* given to flights so far */
	struct sieve sieve;
	struct shard shards[SHARDS];
};

/* The key whose response that of this key is made of; or it is the same. */
static inline struct str
original_of(struct str key)
{
	const char *mark = memchr(key.p, STORE_MADE[0], key.n);

	if (mark &&
		str_starts(str_of(mark, (size_t)(key.p + key.n - mark)),
			STR(STORE_MADE)))
		key.n = (size_t)(mark - key.p);
	return key;
}

/* Both lie in one chain, so that they can be purged together. */
static inline uint64_t
hash_of(struct str key)
{
	key = original_of(key);
	return XXH3_64bits(key.p, key.n);
}

static inline uint64_t
hash_of_wanted(const struct wanted *w)
{
	return w->hash ? w->hash : hash_of(w->key);
}

static inline struct shard *
shard_of(struct store *s, uint64_t hash)
{
	return &s->shards[hash >> 58];
}
