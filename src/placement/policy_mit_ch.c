#include "placement/circle.h"

#include <xxhash.h>

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	const struct view *v = &p->view;
	struct circle *c;
	size_t n = 0;

	for (size_t i = 0; i < v->nnodes; i++)
		n += circle_share(p, &v->nodes[i]);
	c = circle_new(n);
	for (size_t i = 0; i < v->nnodes; i++) {
		uint64_t share = circle_share(p, &v->nodes[i]);

		for (uint64_t j = 0; j < share; j++)
			circle_add(c,
				XXH3_64bits_withSeed(
					&j, sizeof(j), v->nodes[i].id),
				i);
	}
	circle_sort(c, v);
	*bytes = circle_bytes(c);
	return c;
}

const struct policy policy_mit_ch = {
	.name = "mit_ch",
	.points = 160,
	.weights = true,
	.build = build,
	.free = circle_free,
	.rank = circle_rank,
};
