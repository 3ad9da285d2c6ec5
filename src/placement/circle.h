#pragma once
/*
 * struct circle: points of nodes on a circle of 2^64. A key belongs to the
 * first point from its own on, clockwise; its stand-ins are the next nodes on
 * the way.
 */
#include "placement/place.h"

/* No node has more points than this, whatever its weight. */
enum { CIRCLE_NODE_POINTS = 65536 };

struct circle_point {
	uint64_t at;
	uint8_t node; /* index into the view's nodes */
};

struct circle {
	size_t n, cap;
	struct circle_point points[]; /* sorted, once circle_sort() */
};

/* With room for so many points. */
struct circle *circle_new(size_t cap);
void circle_free(void *c); /* as a policy's free */
void circle_add(struct circle *c, uint64_t at, size_t node);
/* Of two points at one place, the one of the node with the smaller id comes
 * first. */
void circle_sort(struct circle *c, const struct view *v);
size_t circle_bytes(const struct circle *c);
/* Points of a node of that weight. */
size_t circle_share(const struct place *p, const struct view_node *node);
/* A policy's build: a circle for all of the view's nodes, to which add() gives
 * each node's points. */
void *circle_build(const struct place *p,
	void (*add)(struct circle *c, const struct view_node *node,
		size_t index, size_t share),
	size_t *bytes);
/* As a policy's rank: from at on; members that are out are passed over. */
void circle_rank(
	const struct place *p, uint64_t at, size_t most, struct ranking *out);
