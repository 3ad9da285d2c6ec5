#pragma once
/*
 * struct topk: which keys are asked for most, and how often, in bounded memory:
 * Space-Saving (Metwally et al. 2005) with counts that fade, so that they are
 * rates. A key that takes more than 1/TOPK_SIZE of all is in it for sure; a
 * count is too high by at most `error`. Two that counted apart are added up
 * entry by entry (Agarwal et al. 2012).
 *
 * Keys are known by their hashes. One writer.
 */
#include <stddef.h>
#include <stdint.h>

enum { TOPK_SIZE = 256, TOPK_BUCKETS = 512 };

struct topk_entry {
	uint64_t key;
	float count, error;
	uint16_t next; /* in its bucket: index + 1; 0: the last */
};

struct topk {
	struct topk_entry v[TOPK_SIZE];
	size_t n;
	uint16_t buckets[TOPK_BUCKETS]; /* index + 1 */
	size_t hand;			/* where the search for a small count
					   goes on */
	double total;
};

void topk_count(struct topk *t, uint64_t key);
/* What another one counted meanwhile; that is empty then. */
void topk_drain(struct topk *t, struct topk *from);
/* Some time has gone by: all counts are multiplied by keep, 0 to 1; those that
 * come to little are forgotten. */
void topk_fade(struct topk *t, float keep);
/* 0: it is not among them. */
float topk_find(const struct topk *t, uint64_t key);
