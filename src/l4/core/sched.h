#pragma once
/*
 * The schedulers: whose a new connection is. They follow IPVS's rules to the
 * letter, ties included. Each returns a slot of the service + 1, or 0.
 */
#include "l4/core/sched_set.h"

/* --- round robin ------------------------------------------------------------
 */

/* The slot after that of the last choice. */
static __always_inline __u32
l4_after_last(const struct l4_job *j, __u32 last)
{
	struct l4_dest *d = last ? l4_dest(j->half, last) : NULL;

	return d && (d->flags & L4_DEST_LIVE) && d->service == j->service
		? d->slot + 1u
		: 0;
}

L4_STEP int
l4_choose_rr(struct l4_job *j, struct l4_service *s, struct l4_turn *t)
{
	__u32 slot;

	if (!j || !s || !t)
		return 0;
	slot = l4_tree_next(j->half, s, l4_after_last(j, t->last), 1);
	if (!slot)
		slot = l4_tree_next(j->half, s, 0, 1);
	if (slot)
		t->last = l4_slot_dest(j, s, slot);
	return slot;
}

/* The next lap's weight after cw, leaving out laps that would find nothing
 * because `most` is the largest weight that may be chosen. */
static __always_inline __s32
l4_wrr_lap(const struct l4_service *s, __s32 cw, __u32 most)
{
	__u32 step = s->gcd | !s->gcd, over;

	cw -= (__s32)step;
	if (cw <= 0)
		cw = (__s32)s->max;
	if (cw > (__s32)most) {
		over = ((__u32)cw - most + step - 1) / step;
		cw -= (__s32)(over * step);
	}
	return cw > 0 ? cw : 1;
}

L4_STEP int
l4_choose_wrr(struct l4_job *j, struct l4_service *s, struct l4_turn *t)
{
	struct l4_node *root = j && s ? l4_tree(j->half, s, 1) : NULL;
	__u32 slot = 0;
	__s32 cw;

	if (!root || !root->most || !j || !s || !t)
		return 0;
	cw = t->cw;
	if (cw > 0)
		slot = l4_tree_next(
			j->half, s, l4_after_last(j, t->last), (__u32)cw);
	if (!slot) {
		cw = l4_wrr_lap(s, cw, root->most);
		slot = l4_tree_next(j->half, s, 0, (__u32)cw);
	}
	t->cw = cw;
	if (slot)
		t->last = l4_slot_dest(j, s, slot);
	return slot;
}

/* --- two random choices ------------------------------------------------------
 */

static __always_inline __u32
l4_random(struct l4_turn *t, __u32 below)
{
	__u64 x = t->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	t->random = x;
	return (__u32)((x >> 32) * below >> 32);
}

/* The slots + 1 at two places of the sum of weights. While all may be chosen
 * there is a table of that. */
static __always_inline void
l4_slots_at(const struct l4_job *j, const struct l4_service *s, __u32 total,
	__u32 at[2], __u32 slot[2])
{
	if (total == s->ring_n) {
		slot[0] = l4_ring_slot(j->half, s->ring + at[0]);
		slot[1] = l4_ring_slot(j->half, s->ring + at[1]);
	} else {
		l4_tree_at(j, s, at, slot);
	}
}

L4_STEP int
l4_choose_twos(struct l4_job *j, struct l4_service *s, struct l4_turn *t)
{
	struct l4_node *root = j && s ? l4_tree(j->half, s, 1) : NULL;
	__u32 at[2], slot[2];
	struct l4_count *ca, *cb;
	struct l4_slot *a, *b;
	__u64 more;

	if (!root || !root->total || !j || !s || !t)
		return 0;
	at[0] = l4_random(t, root->total + 1);
	at[1] = l4_random(t, root->total + 1);
	l4_slots_at(j, s, root->total, at, slot);
	a = l4_slot(j->half, s->base + slot[0] - 1);
	b = l4_slot(j->half, s->base + slot[1] - 1);
	if (!slot[0] || !slot[1] || !a || !b)
		return slot[0];
	ca = at_counts(a->dest);
	cb = at_counts(b->dest);
	if (!ca || !cb)
		return slot[0];
	more = l4_if_negative((__s64)((__u64)a->weight * l4_overhead(cb)) -
		(__s64)((__u64)b->weight * l4_overhead(ca)));
	return slot[0] ^ ((slot[0] ^ slot[1]) & (__u32)more);
}

/* --- all
 * ------------------------------------------------------------------------ */

static __always_inline __u32
l4_choose_spare(struct l4_job *j, struct l4_service *s)
{
	__u32 slot = 0;

	if (s->scheduler == L4_sh || s->scheduler == L4_dh)
		slot = (__u32)l4_choose_sh(j, s);
	if (s->scheduler == L4_mh)
		slot = (__u32)l4_choose_mh(j, s);
	if (!slot)
		slot = (__u32)l4_choose_spare_slot(j, s);
	return l4_slot_dest(j, s, slot);
}

/* A destination for a new connection of the service, or 0. */
static __always_inline __u32
l4_choose_now(struct l4_job *j, struct l4_service *s)
{
	struct l4_turn *t = j ? at_turns(j->service) : NULL;
	__u32 slot;

	if (!j || !s || !t)
		return 0;
	switch (s->scheduler) {
	case L4_rr: slot = l4_choose_rr(j, s, t); break;
	case L4_wrr: slot = l4_choose_wrr(j, s, t); break;
	case L4_twos: slot = l4_choose_twos(j, s, t); break;
	case L4_sh:
	case L4_dh: slot = l4_choose_sh(j, s); break;
	case L4_mh: slot = l4_choose_mh(j, s); break;
	case L4_lblc: slot = l4_choose_lblc(j, s); break;
	case L4_lblcr: slot = l4_choose_lblcr(j, s); break;
	default: slot = l4_least(j, s);
	}
	return l4_slot_dest(j, s, slot);
}

L4_STEP int
l4_choose(struct l4_job *j, struct l4_service *s)
{
	return l4_choose_now(j, s);
}
