/* See pick.h. */
#include "bench/pick.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

void
pick_init(struct pick *p, const double *weights, size_t n, uint64_t seed)
{
	double sum = 0;

	CHECK(n > 0);
	*p = (struct pick){.n = n, .rng = {seed}};
	p->upto = xcalloc(n, sizeof(*p->upto));
	for (size_t k = 0; k < n; k++)
		p->upto[k] = sum += weights[k];
	CHECK(sum > 0);
	for (size_t k = 0; k < n; k++)
		p->upto[k] /= sum;
}

void
pick_fini(struct pick *p)
{
	free(p->upto);
	p->upto = NULL;
}

size_t
pick_next(struct pick *p)
{
	size_t low = 0, high = p->n - 1;
	double u = rng_unit(&p->rng);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->upto[middle] > u)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
