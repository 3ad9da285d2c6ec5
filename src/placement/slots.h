#pragma once
/*
 * A list with each member that is not out as often as its weight, in order:
 * what policies of the form "number mod N" choose from.
 */
#include "placement/place.h"

/* The member at slot (below v->weight), then those after it, in turn. */
static inline void
slots_rank(const struct view *v, uint64_t slot, struct ranking *out)
{
	size_t first = 0;

	out->n = 0;
	for (; first < v->nnodes; first++) {
		const struct view_node *n = &v->nodes[first];

		if (!n->out && slot < n->weight)
			break;
		slot -= n->out ? 0 : n->weight;
	}
	for (size_t i = 0; i < v->nnodes; i++) {
		size_t at = (first + i) % v->nnodes;

		if (!v->nodes[at].out)
			out->node[out->n++] = (uint8_t)at;
	}
}
