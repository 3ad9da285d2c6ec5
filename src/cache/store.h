#pragma once
/*
 * struct store: the objects of a node by key, within a budget of bytes. Shared
 * by all threads. At most one object per key: whoever finds none gets a new
 * one to fill, and everybody who comes meanwhile joins it, so that a key is
 * fetched once however many wait.
 *
 * Eviction is SIEVE (Zhang et al., NSDI 2024): a hand walks from old to new
 * and takes the first object that was not asked for since it last came by.
 */
#include "cache/object.h"

struct store;

struct store *store_new(uint64_t limit_bytes);
/* Nobody may fill or hold objects any more. */
void store_free(struct store *s);

enum store_result {
	STORE_HIT,  /* complete, or at least its body is under way, and fresh */
	STORE_JOIN, /* being filled: wait for its head */
	STORE_MISS, /* new, and the caller's to fill */
};

/* *out is a reference of the caller's. */
enum store_result
store_get(struct store *s, struct str key, int64_t now_s, struct object **out);
/* Takes o out, if it is (still) in: later requests don't find it. */
void store_remove(struct store *s, struct object *o);
/* Evicts until the budget holds or nothing is left to evict. Writers call it
 * as bodies grow. */
void store_trim(struct store *s);

size_t store_count(struct store *s);
uint64_t store_bytes(const struct store *s);
