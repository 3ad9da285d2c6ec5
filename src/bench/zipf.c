/* See zipf.h. */
#include "bench/zipf.h"

#include "base/mem.h"
#include "base/own.h"

#include <math.h>

void
zipf_init(struct zipf *z, size_t n, double alpha, uint64_t seed)
{
	own_free double *weights = xcalloc(n, sizeof(*weights));

	for (size_t k = 0; k < n; k++)
		weights[k] = pow((double)(k + 1), -alpha);
	pick_init(&z->pick, weights, n, seed);
}

void
zipf_fini(struct zipf *z)
{
	pick_fini(&z->pick);
}

size_t
zipf_next(struct zipf *z)
{
	return pick_next(&z->pick);
}
