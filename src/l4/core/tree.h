#pragma once
/*
 * A service's tournament tree: who of its destinations is the least loaded,
 * kept as loads change, so that a new connection asks the root and a change
 * costs as many steps as the tree is high. Ties go to the earlier slot, as in
 * IPVS's lists. The same tree finds the next slot of a weight at least so
 * large (rr, wrr), and the slot at a place in the sum of weights (twos).
 *
 * Nobody locks. Two CPUs that change the same path at once may leave a node
 * with a loser; the next change below it, and the process's sweep, mend it.
 */
#include "l4/core/job.h"

#define L4_DEPTH_MAX 10 /* 1024 slots */

/* Tree node i of the service. */
static __always_inline struct l4_node *
l4_tree(__u32 half, const struct l4_service *s, __u32 i)
{
	return l4_node(half, 2 * s->base + i);
}

/* IPVS's measure of a destination's load, as it is since Linux 6.1.1xx: of
 * all connections, active ones count 256 times more. */
static __always_inline __u32
l4_overhead(const struct l4_count *c)
{
	__u32 active = c->active > 0 ? (__u32)c->active : 0;
	__u32 inactive = c->inactive > 0 ? (__u32)c->inactive : 0;

	return active * 257 + inactive;
}

static __always_inline bool
l4_eligible(const struct l4_dest *d, const struct l4_count *c)
{
	return (d->flags & L4_DEST_OPEN) && d->weight && !c->overloaded;
}

/* The destination as the service's scheduler sees it. */
static __always_inline void
l4_weigh(const struct l4_service *s, const struct l4_dest *d,
	const struct l4_count *c, struct l4_slot *out)
{
	__u32 active = c->active > 0 ? (__u32)c->active : 0;
	bool eligible = l4_eligible(d, c);

	out->load = 0;
	out->weight = 1;
	switch (s->scheduler) {
	case L4_lc: out->load = l4_overhead(c); break;
	case L4_wlc:
	case L4_lblc:
	case L4_lblcr:
		out->load = l4_overhead(c);
		out->weight = d->weight;
		break;
	case L4_sed:
		out->load = active + 1;
		out->weight = d->weight;
		break;
	case L4_nq:
		out->load = active ? active + 1 : 0;
		out->weight = d->weight;
		break;
	case L4_ovf:
		eligible &= active <= d->weight;
		out->load = 65535u - d->weight;
		break;
	case L4_fo: out->load = 65535u - d->weight; break;
	}
	if (!eligible)
		out->weight = 0;
}

/* Slots are in order: a is the earlier one, and wins a tie. */
static __always_inline __u16
l4_better(__u32 half, const struct l4_service *s, __u16 a, __u16 b)
{
	struct l4_slot *sa, *sb;

	if (!a || !b)
		return a ? a : b;
	sa = l4_slot(half, s->base + a - 1);
	sb = l4_slot(half, s->base + b - 1);
	if (!sa || !sb)
		return a;
	return (__u64)sa->load * sb->weight > (__u64)sb->load * sa->weight ? b
									   : a;
}

/* Node i anew, from the two below it. */
static __always_inline void
l4_tree_join(__u32 half, const struct l4_service *s, __u32 i)
{
	struct l4_node *n = l4_tree(half, s, i);
	struct l4_node *a = l4_tree(half, s, 2 * i),
		       *b = l4_tree(half, s, 2 * i + 1);

	if (!n || !a || !b)
		return;
	n->best = l4_better(half, s, a->best, b->best);
	n->most = a->most > b->most ? a->most : b->most;
	n->total = a->total + b->total;
}

/* A destination's slot and leaf, anew. False: nothing has changed. */
static __always_inline bool
l4_tree_leaf(__u32 half, const struct l4_service *s, const struct l4_dest *d,
	const struct l4_count *c)
{
	__u32 i = d->slot;
	struct l4_slot *slot = l4_slot(half, s->base + i), now = {0};
	struct l4_node *leaf = l4_tree(half, s, (1u << (s->depth & 15)) + i);
	__u16 most = l4_eligible(d, c) ? d->weight : 0, best;
	__u32 total = most;

	if (!slot || !leaf)
		return false;
	l4_weigh(s, d, c, &now);
	best = now.weight ? (__u16)(i + 1) : 0;
	if (s->scheduler == L4_lblc || s->scheduler == L4_lblcr)
		total = c->active * 2 < d->weight;
	if (slot->load == now.load && slot->weight == now.weight &&
		leaf->most == most && leaf->best == best &&
		leaf->total == total)
		return false;
	slot->load = now.load;
	slot->weight = now.weight;
	leaf->best = best;
	leaf->most = most;
	leaf->total = total;
	return true;
}

/* After a change of the destination's counts. */
static __always_inline void
l4_tree_update(__u32 half, const struct l4_service *s, const struct l4_dest *d,
	const struct l4_count *c)
{
	__u32 i = (1u << (s->depth & 15)) + d->slot;

	if (!l4_tree_leaf(half, s, d, c))
		return;
	for (int k = 0; k < L4_DEPTH_MAX && i > 1; k++) {
		i >>= 1;
		l4_tree_join(half, s, i);
	}
}

/* The first slot at or after `from` whose weight is at least `least` (which is
 * at least 1), + 1; 0: none. */
static __always_inline __u32
l4_tree_next(__u32 half, const struct l4_service *s, __u32 from, __u32 least)
{
	__u32 leaves = 1u << (s->depth & 15), i = leaves + from;
	struct l4_node *n;

	if (from >= leaves)
		return 0;
	for (int k = 0; k <= L4_DEPTH_MAX; k++) {
		n = l4_tree(half, s, i);
		if (!n)
			return 0;
		if (n->most >= least)
			break;
		/* On to the next subtree to the right, the larger the better;
		 * there is none when we are at the right edge. */
		i++;
		if (!(i & 0xff))
			i >>= 8;
		if (!(i & 0xf))
			i >>= 4;
		if (!(i & 3))
			i >>= 2;
		if (!(i & 1))
			i >>= 1;
		if (i <= 1)
			return 0;
	}
	for (int k = 0; k < L4_DEPTH_MAX && i < leaves; k++) {
		i *= 2;
		n = l4_tree(half, s, i);
		if (!n)
			return 0;
		i += n->most < least;
	}
	n = l4_tree(half, s, i);
	return n && i >= leaves && n->most >= least ? i - leaves + 1 : 0;
}

/* The slot + 1 at place r of the sum of weights, which begins at 0. */
static __always_inline __u32
l4_tree_at(const struct l4_job *j, const struct l4_service *s, __u32 r)
{
	__u32 leaves = 1u << (s->depth & 15), i = l4_opaque(j, 1);

	for (int k = 0; k < L4_DEPTH_MAX && i < leaves; k++) {
		struct l4_node *n = l4_tree(j->half, s, i * 2);

		if (!n)
			return 0;
		i *= 2;
		if (r > n->total || !n->total) {
			r -= n->total;
			i++;
		}
	}
	return i >= leaves ? i - leaves + 1 : 0;
}
