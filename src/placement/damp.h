#pragma once
/*
 * struct damp: how long somebody who was away has to be back before he is given
 * keys again. The first time it is forgiven; for each further fall within
 * DAMP_MEMORY_NS of the last it is twice as long, so that a node that flaps
 * does not move its keys to and fro.
 */
#include "base/clock.h"

#include <stdbool.h>

#define DAMP_MEMORY_NS (300 * NS_PER_S)
#define DAMP_FIRST_NS NS_PER_S
#define DAMP_MOST_NS (64 * NS_PER_S)

struct damp {
	unsigned falls; /* in a row */
	uint64_t fell_ns, until_ns;
};

/* He has gone, having been there. */
static inline void
damp_fall(struct damp *d, uint64_t now_ns)
{
	bool again = d->falls && now_ns - d->fell_ns < DAMP_MEMORY_NS;

	d->falls = again ? d->falls + 1 : 1;
	d->fell_ns = now_ns;
}

/* He is back. */
static inline void
damp_rise(struct damp *d, uint64_t now_ns)
{
	uint64_t hold = d->falls > 1 ? DAMP_FIRST_NS : 0;

	for (unsigned i = 2; i < d->falls && hold < DAMP_MOST_NS; i++)
		hold *= 2;
	d->until_ns = now_ns + hold;
}

static inline bool
damp_is_over(const struct damp *d, uint64_t now_ns)
{
	return now_ns >= d->until_ns;
}
