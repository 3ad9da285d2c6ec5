/*
 * The circle is dealt out by the order of the view: the first node's points
 * halve the whole circle again and again, each later node's points halve the
 * largest arcs there are then; of equal ones, an arc of the node that has most.
 * Members that are out have their points all the same: their keys go to the
 * next ones on the circle, and come back with them.
 */
#include "placement/circle.h"

#include <stdlib.h>

#include "base/mem.h"

/* Placing a point looks at all the others. */
enum { NODE_POINTS = 256 };

struct arc {
	uint64_t last, length; /* [last - length + 1, last]; 0 is all 2^64 */
	uint8_t node;
};

struct dealing {
	struct arc *arcs;
	size_t n;
	uint64_t owned[VIEW_MAX_NODES]; /* of the circle, in its 2^64 */
};

static size_t
share_of(const struct place *p, const struct view_node *node)
{
	size_t n = circle_share(p, node);

	return n < NODE_POINTS ? n : NODE_POINTS;
}

/* Lengths less one: all of the circle has one, too. */
static bool
is_better(const struct dealing *d, const struct arc *a, const struct arc *b)
{
	if (a->length != b->length)
		return a->length - 1 > b->length - 1;
	return d->owned[a->node] - 1 > d->owned[b->node] - 1;
}

/* The point in the middle of the largest arc takes its first half. */
static void
halve(struct dealing *d, size_t node)
{
	struct arc *best = d->arcs;
	uint64_t half;

	for (size_t i = 1; i < d->n; i++)
		if (is_better(d, &d->arcs[i], best))
			best = &d->arcs[i];
	half = best->length ? best->length / 2 : UINT64_C(1) << 63;
	d->arcs[d->n++] = (struct arc){
		best->last - (best->length - half), half, (uint8_t)node};
	best->length -= half;
	d->owned[best->node] -= half;
	d->owned[node] += half;
}

static void
deal(struct dealing *d, size_t node, size_t share)
{
	for (size_t j = 0; j < share; j++) {
		if (d->n == 0)
			d->arcs[d->n++] =
				(struct arc){UINT64_MAX, 0, (uint8_t)node};
		else
			halve(d, node);
	}
}

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	const struct view *v = &p->view;
	struct dealing d = {0};
	struct circle *c;
	size_t n = 0;

	for (size_t i = 0; i < v->nnodes; i++)
		n += share_of(p, &v->nodes[i]);
	d.arcs = xcalloc(n + 1, sizeof(*d.arcs));
	for (size_t i = 0; i < v->nnodes; i++)
		deal(&d, i, share_of(p, &v->nodes[i]));
	c = circle_new(n);
	for (size_t i = 0; i < d.n; i++)
		circle_add(c, d.arcs[i].last, d.arcs[i].node);
	circle_sort(c, v);
	free(d.arcs);
	*bytes = circle_bytes(c);
	return c;
}

const struct policy policy_mod_ch = {
	.name = "mod_ch",
	.points = 16,
	.weights = true,
	.build = build,
	.free = circle_free,
	.rank = circle_rank,
};
