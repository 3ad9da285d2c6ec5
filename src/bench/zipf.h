#pragma once
/*
 * Popularity as the web has it: the object of rank k (from 0) is asked for in
 * proportion to 1 / (k + 1)^alpha.
 */
#include "bench/pick.h"

struct zipf {
	struct pick pick;
};

/* n >= 1 */
void zipf_init(struct zipf *z, size_t n, double alpha, uint64_t seed);
void zipf_fini(struct zipf *z);
/* The next rank, 0..n-1. */
size_t zipf_next(struct zipf *z);
