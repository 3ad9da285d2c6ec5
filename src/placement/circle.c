#include "placement/circle.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct circle *
circle_new(size_t cap)
{
	struct circle *c =
		xcalloc(1, sizeof(*c) + cap * sizeof(struct circle_point));

	c->cap = cap;
	return c;
}

void
circle_free(void *c)
{
	free(c);
}

void
circle_add(struct circle *c, uint64_t at, size_t node)
{
	CHECK(c->n < c->cap);
	c->points[c->n++] = (struct circle_point){at, (uint8_t)node};
}

static int
compare(const void *a, const void *b, void *ctx)
{
	const struct circle_point *x = a, *y = b;
	const struct view *v = ctx;
	uint64_t i, j;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	i = v->nodes[x->node].id;
	j = v->nodes[y->node].id;
	return i < j ? -1 : i > j;
}

void
circle_sort(struct circle *c, const struct view *v)
{
	struct view *ctx = (struct view *)(uintptr_t)v;

	qsort_r(c->points, c->n, sizeof(c->points[0]), compare, ctx);
}

size_t
circle_bytes(const struct circle *c)
{
	return sizeof(*c) + c->cap * sizeof(c->points[0]);
}

size_t
circle_share(const struct place *p, const struct view_node *node)
{
	size_t n = (size_t)p->params.points * node->weight;

	return n < CIRCLE_NODE_POINTS ? n : CIRCLE_NODE_POINTS;
}

void *
circle_build(const struct place *p,
	void (*add)(struct circle *c, const struct view_node *node,
		size_t index, size_t share),
	size_t *bytes)
{
	const struct view *v = &p->view;
	struct circle *c;
	size_t n = 0;

	for (size_t i = 0; i < v->nnodes; i++)
		n += circle_share(p, &v->nodes[i]);
	c = circle_new(n);
	for (size_t i = 0; i < v->nnodes; i++)
		add(c, &v->nodes[i], i, circle_share(p, &v->nodes[i]));
	circle_sort(c, v);
	*bytes = circle_bytes(c);
	return c;
}

/* The first point not before at; n if there is none. */
static size_t
find(const struct circle *c, uint64_t at)
{
	size_t from = 0, to = c->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (c->points[middle].at < at)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

void
circle_rank(
	const struct place *p, uint64_t at, size_t most, struct ranking *out)
{
	const struct circle *c = p->table;
	const struct view *v = &p->view;
	size_t want = most < v->nlive ? most : v->nlive, i = find(c, at);
	uint64_t seen = 0;

	out->n = 0;
	for (size_t left = c->n; out->n < want && left; left--, i++) {
		uint8_t node;

		i = i < c->n ? i : 0;
		node = c->points[i].node;
		if (seen & UINT64_C(1) << node || v->nodes[node].out)
			continue;
		seen |= UINT64_C(1) << node;
		out->node[out->n++] = node;
	}
}
