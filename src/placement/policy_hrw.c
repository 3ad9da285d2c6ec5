#include "placement/place.h"

#include <math.h>
#include <xxhash.h>

/* Among equal weights u ranks as its logarithm does. */
static double
score(const struct view *v, const struct view_node *node, uint64_t key)
{
	uint64_t h = XXH3_64bits_withSeed(&key, sizeof(key), node->id);
	/* in (0, 1): 53 bits, half a step away from both ends */
	double u = ((double)(h >> 11) + 0.5) * 0x1p-53;

	return v->weighted ? -(double)node->weight / log(u) : u;
}

static void
rank(const struct place *p, uint64_t hash, size_t most, struct ranking *out)
{
	const struct view *v = &p->view;
	double scores[VIEW_MAX_NODES];

	out->n = 0;
	for (size_t i = 0; i < v->nnodes; i++) {
		double s;
		size_t at = out->n;

		if (v->nodes[i].out)
			continue;
		s = score(v, &v->nodes[i], hash);
		if (at < most)
			out->n++;
		else if (!at || scores[--at] >= s)
			continue;
		for (; at && scores[at - 1] < s; at--) {
			scores[at] = scores[at - 1];
			out->node[at] = out->node[at - 1];
		}
		scores[at] = s;
		out->node[at] = (uint8_t)i;
	}
}

const struct policy policy_hrw = {.name = "hrw", .weights = true, .rank = rank};
