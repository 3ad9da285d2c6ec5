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

/* What is stored for a key, fresh or not, or a mark: a reference of the
 * caller's; NULL when there is nothing. */
struct object *store_find(struct store *s, struct str key);

enum store_result {
	STORE_STORED, /* somebody was faster: find it again */
	STORE_JOIN,   /* somebody fetches it: wait for its head */
	STORE_BEGIN,  /* new, and the caller's to fill */
};

/* For a key of which `seen` is stored (NULL: nothing), and is not good enough.
 * *out is a reference of the caller's, unless STORED. */
enum store_result store_board(struct store *s, struct str key,
	const struct object *seen, struct flight **out);
/* Nobody boards any more. Harmless when nobody can anyway. */
void store_depart(struct store *s, struct flight *f);
/* Its body is complete: it becomes an object, in place of an older one. */
void store_keep(struct store *s, struct flight *f);
/* The object takes the place of an older one; its reference is taken over. */
void store_put(struct store *s, struct object *o);
/* Takes o out, if it is (still) in: later requests don't find it. */
void store_remove(struct store *s, struct object *o);
/* For so long, requests for the key don't wait for one another. */
void
store_mark(struct store *s, struct str key, int64_t now_s, uint32_t lifetime_s);
/* Evicts until the budget holds or nothing is left to evict. Writers call it
 * as bodies grow. */
void store_trim(struct store *s);

size_t store_count(struct store *s); /* without marks */
uint64_t store_bytes(const struct store *s);
/* Where the large objects' bodies are. */
struct pages *store_pages(const struct store *s);
