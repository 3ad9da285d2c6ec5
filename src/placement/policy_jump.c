#include "placement/place.h"

#include <xxhash.h>

/* Lamping and Veach, figure 1. */
static size_t
jump(uint64_t key, size_t n)
{
	int64_t b = -1, j = 0;

	while (j < (int64_t)n) {
		b = j;
		key = key * UINT64_C(2862933555777941757) + 1;
		j = (int64_t)((double)(b + 1) *
			(0x1p31 / (double)((key >> 33) + 1)));
	}
	return (size_t)b;
}

/* Jumps until all that are wanted have been met; there is an end to luck, and
 * then the rest come in order. */
static void
rank(const struct place *p, uint64_t hash, size_t most, struct ranking *out)
{
	const struct view *v = &p->view;
	size_t want = most < v->nlive ? most : v->nlive;
	uint64_t h = hash, seen = 0;

	out->n = 0;
	if (!v->nnodes)
		return;
	for (int tries = 0; out->n < want && tries < 16 * VIEW_MAX_NODES;
		tries++) {
		size_t i = jump(h, v->nnodes);

		h = XXH3_64bits(&h, sizeof(h));
		if (v->nodes[i].out || seen & UINT64_C(1) << i)
			continue;
		seen |= UINT64_C(1) << i;
		out->node[out->n++] = (uint8_t)i;
	}
	for (size_t i = 0; out->n < want; i++)
		if (!v->nodes[i].out && !(seen & UINT64_C(1) << i))
			out->node[out->n++] = (uint8_t)i;
}

const struct policy policy_jump = {.name = "jump", .rank = rank};
