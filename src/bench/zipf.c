/* See zipf.h. */
#include "bench/zipf.h"

#include "base/check.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

void
zipf_init(struct zipf *z, size_t n, double alpha, uint64_t seed)
{
	double sum = 0;

	CHECK(n > 0);
	z->n = n;
	z->random = seed | 1;
	z->upto = xcalloc(n, sizeof(*z->upto));
	for (size_t k = 0; k < n; k++)
		z->upto[k] = sum += pow((double)(k + 1), -alpha);
	for (size_t k = 0; k < n; k++)
		z->upto[k] /= sum;
}

void
zipf_fini(struct zipf *z)
{
	free(z->upto);
	z->upto = NULL;
}

size_t
zipf_next(struct zipf *z)
{
	size_t low = 0, high = z->n - 1;

	z->random ^= z->random << 13;
	z->random ^= z->random >> 7;
	z->random ^= z->random << 17;
	double u = (double)(z->random >> 11) / (double)(UINT64_C(1) << 53);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (z->upto[middle] > u)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
