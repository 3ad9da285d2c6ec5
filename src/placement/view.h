#pragma once
/*
 * struct view: who may own keys: the members with their weights, in an order
 * that depends on nothing but who they are. Immutable once made, so every
 * thread reads it freely.
 *
 * Who is up is not in it: policies rank all members and the caller passes over
 * those that are down, so that a node's death moves its own keys only. Whoever
 * is drained or has left is in it, marked out: it owns nothing, and policies to
 * which places matter (jump, mod_ch, ht_rr) still know where it was, so that
 * nobody else's keys move.
 */
#include "base/str.h"

enum { VIEW_MAX_NODES = 64, VIEW_NAME_BYTES = 64 };

struct view_node {
	uint64_t id; /* XXH3 of the name: never the position */
	char name[VIEW_NAME_BYTES];
	unsigned weight; /* >= 1 */
	uint64_t joined; /* when, as a number of views; 0: from the start */
	bool out;	 /* owns nothing: drained, or gone */
	uint8_t member;	 /* the caller's own number for it; never compared */
};

struct view {
	/* By when they joined, then by name, in which digits count as numbers:
	 * n2 comes before n10. */
	struct view_node nodes[VIEW_MAX_NODES];
	size_t nnodes;
	size_t nlive;	 /* not out */
	unsigned weight; /* of all that are not out, summed */
	bool weighted;	 /* ... and theirs differ */
	uint64_t number; /* grows with every change; not part of the checksum */
};

/* id and member are set by it if they are 0. Names are shorter than
 * VIEW_NAME_BYTES, and each is there once. */
void view_add(struct view *v, const struct view_node *node);
/* A member since the start, by its name. */
void view_add_name(struct view *v, struct str name, unsigned weight);
/* The same for equal sets of members, in whatever order they were added. */
uint64_t view_checksum(const struct view *v);
/* -1: there is none. */
int view_find(const struct view *v, uint64_t id);
