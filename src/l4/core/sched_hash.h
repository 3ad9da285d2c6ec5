#pragma once
/*
 * Schedulers that hash: sh, dh and mh, by IPVS's hashes and fallbacks, and the
 * one that chooses when a flow can't be remembered. Each returns a slot of the
 * service + 1, or 0.
 */
#include "l4/core/state.h"

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
