/* See hist.h. Bucket i < 64 holds the value i; bucket 32e + s, e >= 1, holds
 * the values from (32 + s) << (e - 1) up to the next bucket's first. */
#include "bench/hist.h"

#include <math.h>

static unsigned
bucket_of(uint64_t v)
{
	if (v < HIST_EXACT)
		return (unsigned)v;
	unsigned top = 63 - (unsigned)__builtin_clzll(v);
	unsigned shift = top - HIST_SUB_BITS;

	return shift * HIST_SUBS + (unsigned)(v >> shift);
}

static uint64_t
bucket_last(unsigned i)
{
	if (i < HIST_EXACT)
		return i;
	unsigned shift = i / HIST_SUBS - 1;
	uint64_t sub = i % HIST_SUBS + HIST_SUBS;

	return (sub << shift) + ((UINT64_C(1) << shift) - 1);
}

void
hist_add(struct hist *h, uint64_t value)
{
	h->n++;
	h->sum += value;
	h->count[bucket_of(value)]++;
	if (value > h->max)
		h->max = value;
}

uint64_t
hist_quantile(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)ceil(q * (double)h->n), seen = 0;

	if (h->n == 0)
		return 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= want && seen > 0) {
			uint64_t last = bucket_last(i);

			return last < h->max ? last : h->max;
		}
	}
	return h->max;
}

double
hist_mean(const struct hist *h)
{
	return h->n ? (double)h->sum / (double)h->n : 0;
}
