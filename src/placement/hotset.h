#pragma once
/*
 * struct hotset: the keys that are hot, and how many nodes hold each.
 * Immutable; each is made from the one before. Pure.
 */
#include "placement/widen.h"

enum { HOTSET_COOL = 8 }; /* sets in a row before a key is narrowed */

struct hot {
	uint64_t key;
	double share; /* of all requests */
	uint8_t r;    /* nodes that hold it, over 1 */
	uint8_t cool; /* sets for which fewer would have done */
};

struct hotset {
	size_t n;
	struct hot v[]; /* by key */
};

/* NULL: it is not among them; s NULL is empty. */
const struct hot *hotset_find(const struct hotset *s, uint64_t key);
/* From what keys are asked for now; r of each is written. before: NULL is
 * empty. extra: as of widen(); what is yet to be narrowed counts, too. To be
 * freed. */
struct hotset *hotset_next(const struct hotset *before, struct widen_key *keys,
	size_t n, unsigned nodes, double extra);
double hotset_extra(const struct hotset *s); /* copies beyond the first */
