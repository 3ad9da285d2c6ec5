#include "placement/circle.h"

#include <xxhash.h>

static void
add_points(struct circle *c, const struct view_node *node, size_t index,
	size_t share)
{
	for (uint64_t i = 0; i < share; i++)
		circle_add(c, XXH3_64bits_withSeed(&i, sizeof(i), node->id),
			index);
}

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	return circle_build(p, add_points, bytes);
}

const struct policy policy_mit_ch = {
	.name = "mit_ch",
	.points = 160,
	.weights = true,
	.build = build,
	.free = circle_free,
	.rank = circle_rank,
};
