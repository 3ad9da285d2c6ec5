#pragma once
/*
 * struct topk: which keys are asked for most, and how often, in bounded memory:
 * Space-Saving (Metwally et al. 2005) with counts that fade, so that they are
 * rates. A key that takes more than 1/TOPK_SIZE of all is in it for sure; a
 * count is too high by at most `error`. Two that counted apart are added up
 * entry by entry (Agarwal et al. 2012).
 *
 * Keys are known by their hashes. Beside how often, it counts how many bytes.
 * One writer.
 */
#include "placement/place.h"

enum { TOPK_SIZE = 256, TOPK_BUCKETS = 512 };

struct topk_entry {
	struct place_key key;
	float count, error;
	float bytes;   /* of those that were counted: count - error */
	uint16_t next; /* in its bucket: index + 1; 0: the last */
};

struct topk {
	struct topk_entry v[TOPK_SIZE];
	size_t n;
	uint16_t buckets[TOPK_BUCKETS]; /* index + 1 */
	size_t hand;			/* where the search for a small count
					   goes on */
	double total, bytes;		/* of all keys */
};

void topk_count(struct topk *t, const struct place_key *key, uint64_t bytes);
/* What another one counted, too. */
void topk_add(struct topk *t, const struct topk *from);
void topk_clear(struct topk *t);
/* Some time has gone by: all counts are multiplied by keep, 0 to 1; those that
 * come to little are forgotten. */
void topk_fade(struct topk *t, float keep);
/* 0: it is not among them. */
float topk_find(const struct topk *t, uint64_t hash);
