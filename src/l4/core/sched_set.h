#pragma once
/*
 * Schedulers that remember by an address which servers it had: lblc (one) and
 * lblcr (a set of them), as IPVS's. Each returns a slot of the service + 1, or
 * 0.
 */
#include "l4/core/sched_hash.h"

static __always_inline __u32
l4_slot_dest(const struct l4_job *j, const struct l4_service *s, __u32 slot)
{
	struct l4_slot *at = slot ? l4_slot(j->half, s->base + slot - 1) : NULL;

	return at ? at->dest : 0;
}

#define L4_SET_WAYS 4

/* What is remembered of the packet's destination; or the entry to remember it
 * in, which is then empty. */
static __always_inline struct l4_set *
l4_set_find(struct l4_job *j)
{
	__u64 h = (j->p.dst.d[0] * 0x9e3779b97f4a7c15ull ^ j->p.dst.d[1] ^
			  j->service) *
		0xbf58476d1ce4e5b9ull;
	__u32 start = (__u32)(h >> 40) & ~(L4_SET_WAYS - 1u);
	__u32 oldest = 0, age = 0;
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_set *set;

	if (!ctl)
		return NULL;

	for (__u32 i = 0; i < L4_SET_WAYS; i++) {
		set = at_sets((start + i) % L4_SETS_MAX);
		if (!set)
			return NULL;
		if (set->service == j->service &&
			set->addr[0] == j->p.dst.d[0] &&
			set->addr[1] == j->p.dst.d[1] &&
			j->now - set->seen <= ctl->cache_timeout) {
			set->seen = j->now;
			return set;
		}
		if (j->now - set->seen >= age) {
			age = j->now - set->seen;
			oldest = i;
		}
	}
	set = at_sets((start + oldest) % L4_SETS_MAX);
	if (!set)
		return NULL;
	*set = (struct l4_set){.addr = {j->p.dst.d[0], j->p.dst.d[1]},
		.seen = j->now,
		.changed = j->now,
		.service = (__u16)j->service};
	return set;
}

/* Weights are capacities: more active connections than that, and another
 * server that is not half full. */
static __always_inline bool
l4_crowded(struct l4_job *j, struct l4_service *s, __u32 dest)
{
	struct l4_node *root = l4_tree(j->half, s, 1);
	struct l4_count *c = at_counts(dest);
	struct l4_dest *d = l4_dest(j->half, dest);

	return root && c && d && c->active > d->weight && root->total;
}

/* The member's place, if it may be chosen; and its slot + 1. */
static __always_inline struct l4_slot *
l4_member(struct l4_job *j, struct l4_service *s, __u32 dest, __u32 *slot)
{
	struct l4_dest *d = dest ? l4_dest(j->half, dest) : NULL;
	struct l4_slot *at;

	if (!d || !(d->flags & L4_DEST_LIVE) || d->service != j->service)
		return NULL;
	*slot = d->slot + 1u;
	at = l4_slot(j->half, s->base + d->slot);
	return at && at->weight ? at : NULL;
}

static __always_inline __u32
l4_least(struct l4_job *j, struct l4_service *s)
{
	struct l4_node *root = l4_tree(j->half, s, 1);

	return root ? root->best.slot : 0;
}

L4_STEP int
l4_choose_lblc(struct l4_job *j, struct l4_service *s)
{
	struct l4_set *set;
	__u32 slot = 0;

	if (!j || !s)
		return 0;
	set = l4_set_find(j);
	if (!set)
		return l4_least(j, s);
	if (l4_member(j, s, set->member[0], &slot) &&
		!l4_crowded(j, s, set->member[0]))
		return slot;
	slot = l4_least(j, s);
	if (slot) {
		set->member[0] = (__u16)l4_slot_dest(j, s, slot);
		set->changed = j->now;
	}
	return slot;
}

/* Of a set's members the least loaded: its place + 1. */
static __always_inline __u32
l4_set_least(struct l4_job *j, struct l4_service *s, const struct l4_set *set)
{
	union l4_best best = {{.load = 1}}, next;
	__u32 slot;

	for (__u32 i = 0; i < L4_MEMBERS_MAX; i++) {
		struct l4_slot *at = l4_member(j, s, set->member[i], &slot);

		if (!at)
			continue;
		next = (union l4_best){{at->load, at->weight, (__u16)(i + 1)}};
		best.word = l4_better(&best, &next);
	}
	return best.slot;
}

/* ... the most loaded. */
static __always_inline __u32
l4_set_most(struct l4_job *j, struct l4_service *s, const struct l4_set *set)
{
	__u32 best = 0, load = 0, weight = 0, slot;

	for (__u32 i = 0; i < L4_MEMBERS_MAX; i++) {
		struct l4_slot *at = l4_member(j, s, set->member[i], &slot);

		if (at &&
			(!best ||
				(__u64)load * at->weight <
					(__u64)at->load * weight)) {
			best = i + 1;
			load = at->load;
			weight = at->weight;
		}
	}
	return best;
}

/* The newest is first, as in IPVS's lists; when there's no room for more, the
 * oldest is out. */
static __always_inline void
l4_set_add(struct l4_job *j, struct l4_set *set, __u32 dest)
{
	for (__u32 i = 0; i < L4_MEMBERS_MAX; i++)
		if (set->member[i] == dest)
			return;
	for (__u32 i = L4_MEMBERS_MAX - 1; i > 0; i--)
		set->member[i] = set->member[i - 1];
	set->member[0] = (__u16)dest;
	set->changed = j->now;
}

static __always_inline __u32
l4_set_size(struct l4_job *j, struct l4_service *s, const struct l4_set *set)
{
	__u32 n = 0, slot;

	for (__u32 i = 0; i < L4_MEMBERS_MAX; i++)
		n += l4_member(j, s, set->member[i], &slot) != NULL;
	return n;
}

L4_STEP int
l4_choose_lblcr(struct l4_job *j, struct l4_service *s)
{
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_set *set;
	__u32 at, dest, slot = 0;

	if (!j || !s || !ctl)
		return 0;
	set = l4_set_find(j);
	if (!set)
		return l4_least(j, s);
	if (j->now - set->changed > ctl->cache_timeout &&
		l4_set_size(j, s, set) > 1) {
		at = l4_set_most(j, s, set);
		set->member[(at - 1) & (L4_MEMBERS_MAX - 1)] = 0;
		set->changed = j->now;
	}
	at = l4_set_least(j, s, set);
	if (at) {
		dest = set->member[(at - 1) & (L4_MEMBERS_MAX - 1)];
		if (!l4_crowded(j, s, dest) && l4_member(j, s, dest, &slot))
			return slot;
	}
	slot = l4_least(j, s);
	if (slot)
		l4_set_add(j, set, l4_slot_dest(j, s, slot));
	return slot;
}
