#pragma once
/*
 * struct shares: which nodes of a cluster answers came from, over all and in
 * each second, by their Cache-Status (bench/trail.h).
 */
#include "bench/trail.h"

#include <stddef.h>
#include <stdint.h>

enum { SHARES_NODES = 64, SHARES_SECONDS = 600 };

struct shares_node {
	char name[32];	 /* as in Cache-Status */
	uint64_t taken;	 /* requests of clients that it took in */
	uint64_t served; /* answers that came from it, others' included */
};

struct shares {
	struct shares_node nodes[SHARES_NODES];
	size_t nnodes;
	uint64_t
		seconds; /* in which there was an answer; the last one's, + 1 */
	uint32_t served[SHARES_SECONDS][SHARES_NODES];
};

/* Without a trail it does not count. */
void shares_count(struct shares *s, const struct trail *t, uint64_t second);
/* The busiest node by the mean: over all, or in one second. 0: no answers. */
double shares_peak(const struct shares *s);
double shares_peak_in(const struct shares *s, uint64_t second);
