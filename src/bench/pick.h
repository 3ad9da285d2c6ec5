#pragma once
/*
 * struct pick: one of n things at random, each in proportion to its weight.
 */
#include "bench/rng.h"

#include <stddef.h>

struct pick {
	double *upto; /* owned: the share of things 0..k */
	size_t n;
	struct rng rng;
};

/* n >= 1; weights >= 0, and not all of them 0 */
void pick_init(struct pick *p, const double *weights, size_t n, uint64_t seed);
void pick_fini(struct pick *p);
size_t pick_next(struct pick *p);
