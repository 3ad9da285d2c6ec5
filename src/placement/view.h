#pragma once
/*
 * struct view: who may own keys. A list of nodes in the configuration's order
 * with their weights; immutable once made, so every thread reads it freely.
 * Who is up is not in it: policies rank all nodes and the caller passes over
 * those that are down, so that a node's death moves its own keys only.
 */
#include "base/str.h"

enum { VIEW_MAX_NODES = 64 };

struct view_node {
	uint64_t id;	 /* XXH3 of the name: never the position */
	unsigned weight; /* >= 1 */
};

struct view {
	struct view_node nodes[VIEW_MAX_NODES];
	size_t nnodes;
	bool weighted; /* their weights differ */
};

void view_add(struct view *v, struct str name, unsigned weight);
/* The same for equal (name, weight) sets in whatever order. */
uint64_t view_checksum(const struct view *v);
