#include "placement/circle.h"

#include <stdio.h>

#include "placement/digest.h"

/* The i-th of four. */
static uint32_t
word(const unsigned char *md5, unsigned i)
{
	const unsigned char *d = md5 + 4 * i;

	return (uint32_t)d[3] << 24 | (uint32_t)d[2] << 16 |
		(uint32_t)d[1] << 8 | d[0];
}

static void
add_points(struct circle *c, const struct view_node *node, size_t index,
	size_t share)
{
	unsigned char md5[16];
	char text[VIEW_NAME_BYTES + 16];

	for (size_t i = 0; i < share; i++) {
		if (i % 4 == 0) {
			int n = snprintf(text, sizeof(text), "%s-%zu",
				node->name, i / 4);

			digest_md5(str_of(text, (size_t)n), md5);
		}
		circle_add(c, word(md5, i % 4), index);
	}
}

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	return circle_build(p, add_points, bytes);
}

static uint64_t
digest(struct str key)
{
	unsigned char md5[16];

	digest_md5(key, md5);
	return word(md5, 0);
}

const struct policy policy_ring = {
	.name = "ring",
	.points = 160,
	.weights = true,
	.build = build,
	.free = circle_free,
	.digest = digest,
	.rank = circle_rank,
};
