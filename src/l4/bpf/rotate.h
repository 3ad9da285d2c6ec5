#pragma once
/*
 * For the benchmark: each run of a program that is repeated gets another flow,
 * by writing other ends into the packet, and finds it as it was before the
 * last run. What this costs is in all that are compared.
 */
#include "l4/core/balance.h"

struct rotate {
	__u32 at; /* the next flow */
	__u32 flows;
	__u32 base;  /* of the clients' addresses */
	__u32 step;  /* from one to the next; below flows, no common divisor */
	__u32 flags; /* TCP's */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rotate);
} rotation SEC(".maps");

static __always_inline bool
rotate(struct xdp_md *ctx, const __u8 *mac)
{
	__u32 zero = 0, n;
	struct rotate *r = bpf_map_lookup_elem(&rotation, &zero);
	struct ethhdr *eth = frame_at(ctx, 0, 54);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	if (!r || !eth)
		return false;
	n = r->at;
	r->at = n + r->step < r->flows ? n + r->step : n + r->step - r->flows;
	l4_set_macs(eth, mac, mac);
	ip->saddr = bpf_htonl(r->base + (n >> 10));
	ip->ttl = 64;
	tcp->source = bpf_htons((__u16)(1024 + (n & 1023)));
	((__u8 *)tcp)[13] = (__u8)r->flags;
	return true;
}
