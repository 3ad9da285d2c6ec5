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

static inline uint64_t
hash_of(struct str key)
{
	return XXH3_64bits(key.p, key.n);
}

static inline struct shard *
shard_of(struct store *s, uint64_t hash)
{
	return &s->shards[hash >> 58];
}
