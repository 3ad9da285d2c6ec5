#pragma once
/*
 * The schedulers: whose a new connection is. They follow IPVS's rules to the
 * letter, ties included. Each returns a slot of the service + 1, or 0.
 */
#include "l4/core/state.h"

/* --- hashes --------------------------------------------------------------- */

static __always_inline __u64
l4_rotl(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static __always_inline void
l4_sip_round(__u64 v[4])
{
	v[0] += v[1];
	v[1] = l4_rotl(v[1], 13) ^ v[0];
	v[0] = l4_rotl(v[0], 32);
	v[2] += v[3];
	v[3] = l4_rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = l4_rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = l4_rotl(v[1], 17) ^ v[2];
	v[2] = l4_rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein 2012) of four bytes, with key (k, k), which
 * is what mh hashes with. */
static __always_inline __u32
l4_siphash(__u32 m, __u64 k)
{
	__u64 last = 4ull << 56 | m;
	__u64 v[4] = {0x736f6d6570736575ull ^ k, 0x646f72616e646f6dull ^ k,
		0x6c7967656e657261ull ^ k, 0x7465646279746573ull ^ k};

	v[3] ^= last;
	l4_sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	l4_sip_round(v);
	l4_sip_round(v);
	l4_sip_round(v);
	return (__u32)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

#define L4_MH_KEY1 2654435761ull
#define L4_MH_KEY2 2654446892ull

/* An address as one number, in host order. */
static __always_inline __u32
l4_fold(const union l4_addr *a)
{
	if (l4_is4(a))
		return bpf_ntohl(a->w[3]);
	return bpf_ntohl(a->w[0] ^ a->w[1] ^ a->w[2] ^ a->w[3]);
}

/* The top 8 bits of the product with the golden ratio. */
static __always_inline __u32
l4_hash8(__u32 v)
{
	return v * 0x61c88647u >> 24;
}

static __always_inline __u32
l4_hash_port(const struct l4_job *j, const struct l4_service *s)
{
	return s->flags & L4_HASH_PORT ? bpf_ntohs(j->p.sport) : 0;
}

/* What the packet is hashed by. */
static __always_inline __u32
l4_hash_of(const struct l4_job *j, const struct l4_service *s)
{
	if (s->scheduler == L4_dh)
		return l4_fold(&j->p.dst);
	return l4_hash_port(j, s) + l4_fold(&j->p.src);
}

/* The place of a hashed value, and an offset, in the rings of sh and dh, and of
 * mh: see IPVS's fallbacks. */
static __always_inline __u32
l4_place_sh(__u32 v, __u32 offset)
{
	return (offset + l4_hash8(v)) & 255;
}

static __always_inline __u32
l4_place_mh(__u32 v, __u32 offset, __u32 n)
{
	return l4_siphash(offset + v, L4_MH_KEY1) % n;
}

/* Whether the slot of a ring may be chosen: slot + 1, or 0. */
static __always_inline __u32
l4_usable(const struct l4_job *j, const struct l4_service *s, __u32 slot)
{
	struct l4_slot *at = slot ? l4_slot(j->half, s->base + slot - 1) : NULL;

	return at && at->weight ? slot : 0;
}

#define L4_FALLBACKS_MAX 256

static __always_inline __u32
l4_at_ring(const struct l4_job *j, const struct l4_service *s, __u32 place)
{
	return l4_ring_slot(j->half, s->ring + place);
}

/* Two functions, since Linux 6.1 refuses the loop that clang makes of one. */
L4_STEP int
l4_choose_sh(struct l4_job *j, struct l4_service *s)
{
	__u32 first, slot, v;

	if (!j || !s)
		return 0;
	v = l4_hash_of(j, s);
	first = l4_place_sh(v, 0);
	slot = l4_at_ring(j, s, first);
	if (!slot || l4_usable(j, s, slot))
		return (int)slot;
	if (s->scheduler == L4_dh || !(s->flags & L4_HASH_FALLBACK))
		return 0;
	for (__u32 i = 0; i < L4_FALLBACKS_MAX; i++) {
		slot = l4_at_ring(j, s, l4_place_sh(v, first + i));
		if (l4_usable(j, s, slot))
			return (int)slot;
	}
	return 0;
}

L4_STEP int
l4_choose_mh(struct l4_job *j, struct l4_service *s)
{
	__u32 first, slot, n, v;

	if (!j || !s)
		return 0;
	v = l4_hash_of(j, s);
	n = s->ring_n | !s->ring_n;
	first = l4_place_mh(v, 0, n);
	slot = l4_at_ring(j, s, first);
	if (!slot || l4_usable(j, s, slot))
		return (int)slot;
	if (!(s->flags & L4_HASH_FALLBACK))
		return 0;
	for (__u32 i = 0; i < L4_FALLBACKS_MAX; i++) {
		slot = l4_at_ring(j, s, l4_place_mh(v, (first + i) % n, n));
		if (l4_usable(j, s, slot))
			return (int)slot;
	}
	return 0;
}

/* By the flow's own hash alone, so that every balancer, and the same one
 * without its table, says the same. */
L4_STEP int
l4_choose_spare_slot(struct l4_job *j, struct l4_service *s)
{
	__u32 v, n;

	if (!j || !s)
		return 0;
	v = l4_fold(&j->p.src) ^ (__u32)j->p.sport << 16;
	n = s->spare_n | !s->spare_n;
	for (__u32 i = 0; i < 64; i++) {
		__u32 slot = l4_ring_slot(
			j->half, s->spare + l4_siphash(v + i, L4_MH_KEY2) % n);

		if (l4_usable(j, s, slot))
			return slot;
	}
	return 0;
}

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

static __always_inline __u32
l4_slot_dest(const struct l4_job *j, const struct l4_service *s, __u32 slot)
{
	struct l4_slot *at = slot ? l4_slot(j->half, s->base + slot - 1) : NULL;

	return at ? at->dest : 0;
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

L4_STEP int
l4_choose_twos(struct l4_job *j, struct l4_service *s, struct l4_turn *t)
{
	struct l4_node *root = j && s ? l4_tree(j->half, s, 1) : NULL;
	__u32 a, b, da, db;
	struct l4_count *ca, *cb;
	struct l4_dest *ra, *rb;

	if (!root || !root->total || !j || !s || !t)
		return 0;
	a = l4_tree_at(j, s, l4_random(t, root->total + 1));
	b = l4_tree_at(j, s, l4_random(t, root->total + 1));
	da = l4_slot_dest(j, s, a);
	db = l4_slot_dest(j, s, b);
	ca = at_counts(da);
	cb = at_counts(db);
	ra = l4_dest(j->half, da);
	rb = l4_dest(j->half, db);
	if (!ca || !cb || !ra || !rb)
		return a;
	return (__u64)rb->weight * l4_overhead(ca) >
			(__u64)ra->weight * l4_overhead(cb)
		? b
		: a;
}

/* --- locality ----------------------------------------------------------------
 */

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

/* The member's slot + 1 if it may be used. */
static __always_inline __u32
l4_member(struct l4_job *j, struct l4_service *s, __u32 dest)
{
	struct l4_dest *d = dest ? l4_dest(j->half, dest) : NULL;

	if (!d || !(d->flags & L4_DEST_LIVE) || d->service != j->service)
		return 0;
	return l4_usable(j, s, d->slot + 1u);
}

static __always_inline __u32
l4_least(struct l4_job *j, struct l4_service *s)
{
	struct l4_node *root = l4_tree(j->half, s, 1);

	return root ? root->best : 0;
}

L4_STEP int
l4_choose_lblc(struct l4_job *j, struct l4_service *s)
{
	struct l4_set *set;
	__u32 slot;

	if (!j || !s)
		return 0;
	set = l4_set_find(j);
	if (!set)
		return l4_least(j, s);
	slot = l4_member(j, s, set->member[0]);
	if (slot && !l4_crowded(j, s, set->member[0]))
		return slot;
	slot = l4_least(j, s);
	if (slot) {
		set->member[0] = (__u16)l4_slot_dest(j, s, slot);
		set->changed = j->now;
	}
	return slot;
}

/* Of a set's members the least, or the most, loaded: its place + 1. */
static __always_inline __u32
l4_set_pick(struct l4_job *j, struct l4_service *s, const struct l4_set *set,
	bool least)
{
	__u32 best = 0, load = 0, weight = 0;

	for (__u32 i = 0; i < L4_MEMBERS_MAX; i++) {
		__u32 slot = l4_member(j, s, set->member[i]);
		struct l4_slot *at =
			slot ? l4_slot(j->half, s->base + slot - 1) : NULL;
		bool better;

		if (!at)
			continue;
		better = least
			? (__u64)load * at->weight > (__u64)at->load * weight
			: (__u64)load * at->weight < (__u64)at->load * weight;
		if (!best || better) {
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
	__u32 n = 0;

	for (__u32 i = 0; i < L4_MEMBERS_MAX; i++)
		n += l4_member(j, s, set->member[i]) != 0;
	return n;
}

L4_STEP int
l4_choose_lblcr(struct l4_job *j, struct l4_service *s)
{
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_set *set;
	__u32 at, dest, slot;

	if (!j || !s || !ctl)
		return 0;
	set = l4_set_find(j);
	if (!set)
		return l4_least(j, s);
	if (j->now - set->changed > ctl->cache_timeout &&
		l4_set_size(j, s, set) > 1) {
		at = l4_set_pick(j, s, set, false);
		set->member[(at - 1) & (L4_MEMBERS_MAX - 1)] = 0;
		set->changed = j->now;
	}
	at = l4_set_pick(j, s, set, true);
	if (at) {
		dest = set->member[(at - 1) & (L4_MEMBERS_MAX - 1)];
		if (!l4_crowded(j, s, dest))
			return l4_member(j, s, dest);
	}
	slot = l4_least(j, s);
	if (slot)
		l4_set_add(j, set, l4_slot_dest(j, s, slot));
	return slot;
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
L4_STEP int
l4_choose(struct l4_job *j, struct l4_service *s)
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
