#include "placement/carp.h"

#include <stdlib.h>

#include "base/mem.h"
#include "placement/place.h"

/* By index into the view's nodes. */
struct members {
	uint32_t hash[VIEW_MAX_NODES];
	double multiplier[VIEW_MAX_NODES];
};

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	struct members *m = NEW(struct members);
	double loads[VIEW_MAX_NODES], x[VIEW_MAX_NODES];
	size_t n = 0;

	for (size_t i = 0; i < p->view.nnodes; i++)
		if (!p->view.nodes[i].out)
			loads[n++] = p->view.nodes[i].weight;
	carp_multipliers(loads, n, x);
	n = 0;
	for (size_t i = 0; i < p->view.nnodes; i++) {
		const struct view_node *node = &p->view.nodes[i];

		m->hash[i] = carp_hash_member(str_z(node->name));
		m->multiplier[i] = node->out ? 0 : x[n++];
	}
	*bytes = sizeof(*m);
	return m;
}

static uint64_t
digest(struct str key)
{
	return carp_hash_url(key);
}

static void
rank(const struct place *p, uint64_t digest, size_t most, struct ranking *out)
{
	const struct members *m = p->table;
	uint32_t url = (uint32_t)digest;
	double scores[VIEW_MAX_NODES];

	out->n = 0;
	for (size_t i = 0; i < p->view.nnodes; i++) {
		double s = carp_combine(url, m->hash[i]) * m->multiplier[i];
		size_t at = out->n;

		if (p->view.nodes[i].out)
			continue;
		for (out->n++; at && scores[at - 1] < s; at--) {
			scores[at] = scores[at - 1];
			out->node[at] = out->node[at - 1];
		}
		scores[at] = s;
		out->node[at] = (uint8_t)i;
	}
}

const struct policy policy_carp = {
	.name = "carp",
	.weights = true,
	.build = build,
	.free = free,
	.digest = digest,
	.rank = rank,
};
