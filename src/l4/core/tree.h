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

/* Nodes 2i and 2i + 1 of the service's tree. */
static __always_inline struct l4_pair *
l4_below(__u32 half, const struct l4_service *s, __u32 i)
{
	return l4_pair(half, s->base + i);
}

static __always_inline struct l4_node *
l4_tree(__u32 half, const struct l4_service *s, __u32 i)
{
	struct l4_pair *p = l4_below(half, s, i >> 1);

	return p ? &p->node[i & 1] : NULL;
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

/* Whether the scheduler asks how many connections destinations have, of the
 * tree. */
static __always_inline bool
l4_by_load(const struct l4_service *s)
{
	return (1u << L4_lc | 1u << L4_wlc | 1u << L4_lblc | 1u << L4_lblcr |
		       1u << L4_sed | 1u << L4_nq | 1u << L4_ovf) >>
		(s->scheduler & 31) &
		1;
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
	case L4_twos: out->weight = d->weight; break;
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

/* All ones if the number is negative. Which of two servers has less to do is a
 * matter of chance, and of jumps that depend on it a CPU guesses half wrong: so
 * there are none, and the compiler is kept from making one. */
static __always_inline __u64
l4_if_negative(__s64 n)
{
	__u64 mask = (__u64)(n >> 63);

	__asm__("" : "+r"(mask));
	return mask;
}

/* Of two the less loaded one; the first, which is the earlier one in order,
 * wins a tie. */
static __always_inline __u64
l4_better(const union l4_best *a, const union l4_best *b)
{
	__u64 more = l4_if_negative((__s64)((__u64)b->load * a->weight) -
		(__s64)((__u64)a->load * b->weight));

	return a->word ^ ((a->word ^ b->word) & more);
}

static __always_inline __u64
l4_winner(const struct l4_pair *p)
{
	return l4_better(&p->node[0].best, &p->node[1].best);
}

/* The same, where one of the two has just been made and is at hand: so a match
 * need not wait until the one before it has been written and read again. */
static __always_inline __u64
l4_match(__u64 word, const union l4_best *other, __u32 right)
{
	const union l4_best one = {.word = word};
	__s64 more = (__s64)((__u64)one.load * other->weight) -
		(__s64)((__u64)other->load * one.weight);

	return other->word ^
		((word ^ other->word) & l4_if_negative(more - !right));
}

/* Node i anew, from the two below it. */
static __always_inline void
l4_tree_join(__u32 half, const struct l4_service *s, __u32 i)
{
	struct l4_node *n = l4_tree(half, s, i);
	struct l4_pair *p = l4_below(half, s, i);
	const struct l4_node *a, *b;

	if (!n || !p)
		return;
	a = &p->node[0];
	b = &p->node[1];
	n->best.word = l4_winner(p);
	n->most = a->most > b->most ? a->most : b->most;
	n->total = a->total + b->total;
}

enum l4_leaf { L4_LEAF_SAME, L4_LEAF_LOAD, L4_LEAF_ALL };

/* A destination's slot and leaf, anew. Returns what has changed: nothing, its
 * load, or the sums, too. */
static __always_inline enum l4_leaf
l4_tree_leaf(__u32 half, const struct l4_service *s, const struct l4_dest *d,
	const struct l4_count *c)
{
	__u32 i = d->slot;
	struct l4_slot *slot = l4_slot(half, s->base + i), now = {0};
	struct l4_node *leaf = l4_tree(half, s, (1u << (s->depth & 15)) + i);
	__u16 most = l4_eligible(d, c) ? d->weight : 0;
	union l4_best best = {.load = 1};
	__u32 total = most;
	bool sums;

	if (!slot || !leaf)
		return L4_LEAF_SAME;
	l4_weigh(s, d, c, &now);
	if (now.weight)
		best = (union l4_best){{.load = now.load,
			.weight = now.weight,
			.slot = (__u16)(i + 1)}};
	if (s->scheduler == L4_lblc || s->scheduler == L4_lblcr)
		total = c->active * 2 < d->weight;
	sums = leaf->most != most || leaf->total != total;
	if (!sums && slot->load == now.load && slot->weight == now.weight &&
		leaf->best.word == best.word)
		return L4_LEAF_SAME;
	slot->load = now.load;
	slot->weight = now.weight;
	leaf->best = best;
	leaf->most = most;
	leaf->total = total;
	return sums ? L4_LEAF_ALL : L4_LEAF_LOAD;
}

/* After a change of the destination's counts. A connection more or less
 * mostly changes its load alone. */
static __always_inline void
l4_tree_update(__u32 half, const struct l4_service *s, const struct l4_dest *d,
	const struct l4_count *c)
{
	__u32 i = (1u << (s->depth & 15)) + d->slot;
	enum l4_leaf changed = l4_tree_leaf(half, s, d, c);
	struct l4_pair *p;
	__u64 best;

	if (changed == L4_LEAF_SAME)
		return;
	p = l4_below(half, s, i >> 1);
	best = p ? p->node[i & 1].best.word : 0;
	for (int k = 0; k < L4_DEPTH_MAX && i > 1 && p; k++) {
		best = l4_match(best, &p->node[~i & 1].best, i & 1);
		i >>= 1;
		if (changed == L4_LEAF_ALL)
			l4_tree_join(half, s, i);
		p = l4_below(half, s, i >> 1);
		if (p)
			p->node[i & 1].best.word = best;
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
		i -= (__u32)l4_if_negative((__s64)n->most - least);
	}
	n = l4_tree(half, s, i);
	return n && i >= leaves && n->most >= least ? i - leaves + 1 : 0;
}

/* Down from node *i to the side on which place *r of the sum of weights is. */
static __always_inline void
l4_tree_down(const struct l4_pair *below, __u32 *i, __u32 *r)
{
	__u32 left = below->node[0].total;
	__u64 right = l4_if_negative((__s64)left - *r);

	*r -= left & (__u32)right;
	*i = *i * 2 - (__u32)right;
}

/* The slots + 1 at two places of the sum of weights, which begins at 0. Both
 * at once: one way needn't wait for the other. */
static __always_inline void
l4_tree_at(const struct l4_job *j, const struct l4_service *s, __u32 r[2],
	__u32 slot[2])
{
	__u32 leaves = 1u << (s->depth & 15), a = l4_opaque(j, 1), b = a;

	/* the first one has place 0 and 1 */
	r[0] |= !r[0];
	r[1] |= !r[1];
	for (int k = 0; k < L4_DEPTH_MAX && a < leaves; k++) {
		struct l4_pair *pa = l4_below(j->half, s, a);
		struct l4_pair *pb = l4_below(j->half, s, b);

		if (!pa || !pb)
			break;
		l4_tree_down(pa, &a, &r[0]);
		l4_tree_down(pb, &b, &r[1]);
	}
	slot[0] = a >= leaves ? a - leaves + 1 : 0;
	slot[1] = b >= leaves ? b - leaves + 1 : 0;
}
