#pragma once
/* One packet on its way through the core, and what is looked up for it. */
#include "l4/core/parse.h"

/* One end of a packet, as it is and as it is to be. */
struct l4_rewrite {
	union l4_addr from, to;
	__u16 from_port, to_port;
	__u32 source; /* whether it is the source */
};

struct l4_job {
	__u32 half; /* of the rules: 0 or 1 */
	__u32 now;  /* ticks */
	__u32 cpu;
	__u32 has;   /* L4_HAS_... */
	__u32 flags; /* L4_CTL_... */
	__u32 front; /* number */
	__u32 service;
	__u32 dest; /* the destination chosen; 0: none */
	__u32 out;  /* interface to send on; 0: the one it came by */
	struct l4_packet p;
	struct l4_packet quoted;  /* in an ICMP error */
	struct l4_key key, other; /* the flow's; one beside it */
	struct l4_rewrite rewrite;
};
_Static_assert(sizeof(struct l4_job) <= sizeof(((struct l4_tally *)0)->work),
	"a job fits");

/* This CPU's, which is not on the stack, since the kernel's is small. */
static __always_inline struct l4_job *
l4_job_of(struct l4_tally *t)
{
	return (struct l4_job *)t->work;
}

static __always_inline struct l4_front *
l4_front(__u32 half, __u32 i)
{
	return i < L4_FRONTS_MAX ? at_fronts(half * L4_FRONTS_MAX + i) : NULL;
}

static __always_inline struct l4_service *
l4_service(__u32 half, __u32 i)
{
	return i < L4_SERVICES_MAX ? at_services(half * L4_SERVICES_MAX + i)
				   : NULL;
}

static __always_inline struct l4_dest *
l4_dest(__u32 half, __u32 i)
{
	return i < L4_DESTS_MAX ? at_dests(half * L4_DESTS_MAX + i) : NULL;
}

static __always_inline struct l4_slot *
l4_slot(__u32 half, __u32 i)
{
	return i < L4_SLOTS_MAX ? at_slots(half * L4_SLOTS_MAX + i) : NULL;
}

static __always_inline struct l4_pair *
l4_pair(__u32 half, __u32 i)
{
	return i < L4_SLOTS_MAX ? at_pairs(half * L4_SLOTS_MAX + i) : NULL;
}

static __always_inline __u32
l4_ring_slot(__u32 half, __u32 i)
{
	struct l4_ring *r = i < L4_RINGS_MAX
		? at_rings(half * (L4_RINGS_MAX / 4) + i / 4)
		: NULL;

	return r ? r->slot[i % 4] : 0;
}

/* In ticks; never 0, which would look like no time at all. */
static __always_inline __u32
l4_now(const struct l4_ctl *ctl, struct l4_tally *t)
{
	__u64 ns = ctl->clock_ns;

	return (ns ? (__u32)(ns >> L4_TICK_SHIFT) : clock_ticks(t)) + 1;
}

/* All but the packet. */
static __always_inline void
l4_job_start(struct l4_job *j, const struct l4_ctl *ctl, __u32 cpu, __u32 now)
{
	j->half = ctl->generation & 1;
	j->now = now;
	j->cpu = cpu;
	j->front = j->service = j->dest = j->out = 0;
	j->has = j->half ? ctl->has[1] : ctl->has[0];
	j->flags = ctl->flags;
}

/* The place where the window of a front begins. */
static __always_inline __u32
l4_front_hash(const union l4_addr *a, __u32 port, __u32 proto)
{
	__u64 h = a->d[0] ^ (a->d[1] * 0x9e3779b97f4a7c15ull);

	h ^= h >> 32;
	h = (h ^ port ^ (__u64)proto << 16) * 0xbf58476d1ce4e5b9ull;
	return (__u32)(h >> 40) % L4_FRONTS_MAX;
}

static __always_inline bool
l4_front_is(const struct l4_front *f, const union l4_addr *a, __u32 port,
	__u32 proto, __u32 kind)
{
	const struct l4_front want = {
		.port = (__u16)port, .proto = (__u8)proto, .kind = (__u8)kind};

	return f->end == want.end && l4_same(&f->addr, a);
}

/* It's not where its window begins. */
L4_STEP int
l4_front_search(
	__u32 half, const union l4_addr *a, __u32 port, __u32 proto, __u32 kind)
{
	__u32 start;

	if (!a)
		return 0;
	start = l4_front_hash(a, port, proto);
#pragma GCC unroll 8
	for (__u32 i = 0; i < L4_FRONT_WINDOW; i++) {
		__u32 at = (start + i) % L4_FRONTS_MAX;
		struct l4_front *f = l4_front(half, at);

		if (!f || f->kind == L4_FRONT_FREE)
			return 0;
		if (l4_front_is(f, a, port, proto, kind))
			return (int)at;
	}
	return 0;
}

/* The number of the front, or 0. */
static __always_inline __u32
l4_front_find(
	__u32 half, const union l4_addr *a, __u32 port, __u32 proto, __u32 kind)
{
	__u32 at = l4_front_hash(a, port, proto);
	struct l4_front *f = l4_front(half, at);

	if (!f || f->kind == L4_FRONT_FREE)
		return 0;
	return l4_front_is(f, a, port, proto, kind)
		? at
		: (__u32)l4_front_search(half, a, port, proto, kind);
}

/*
 * The same number, of which the verifier knows nothing any more: where a loop's
 * number depends on the choices made so far, it would follow all of them, and
 * give up. It makes a detour by memory.
 */
static __always_inline __u32
l4_opaque(const struct l4_job *j, __u32 n)
{
	struct l4_tally *t = at_tallies(j->cpu);

	if (!t)
		return 0;
	*(volatile __u64 *)&t->scratch = n;
	return (__u32) * (volatile __u64 *)&t->scratch;
}
