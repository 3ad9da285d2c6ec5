#include "placement/view.h"

#include <xxhash.h>

#include "base/check.h"

void
view_add(struct view *v, struct str name, unsigned weight)
{
	CHECK(v->nnodes < VIEW_MAX_NODES && weight >= 1);
	v->weighted |= v->nnodes && v->nodes[0].weight != weight;
	v->nodes[v->nnodes++] =
		(struct view_node){XXH3_64bits(name.p, name.n), weight};
}

uint64_t
view_checksum(const struct view *v)
{
	uint64_t sum = v->nnodes;

	for (size_t i = 0; i < v->nnodes; i++)
		sum += XXH3_64bits_withSeed(&v->nodes[i].id,
			sizeof(v->nodes[i].id), v->nodes[i].weight);
	return sum;
}
