// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * On a node: takes packets out of the balancer's tunnels (IP in IP, GUE, GRE;
 * either family in either) and hands them to the node's own stack, which has
 * the VIP on its loopback. Only what comes from a balancer of ours, and is for
 * a VIP of ours, is taken out; the rest passes as it is. ECN marks that the
 * outer header got on the way come through (RFC 6040).
 */
#include "l4/decap_abi.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DECAP_ADDRS_MAX);
	__type(key, struct decap_addr);
	__type(value, __u32);
} addrs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DECAP_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

const volatile __u16 gue_port = 6080; /* host order */

struct outer {
	__u32 bytes; /* all headers before the inner packet's */
	__u8 proto;  /* of the inner packet: IPPROTO_IPIP, IPPROTO_IPV6 */
	bool ce;     /* congestion was seen on the way */
};

static __always_inline void
count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &what);

	if (n)
		(*n)++;
}

static __always_inline void *
at(struct xdp_md *ctx, __u32 off, __u32 n)
{
	char *p = (char *)(unsigned long)ctx->data + off;

	__asm__ volatile("" : "+r"(p));
	if (p + n > (char *)(unsigned long)ctx->data_end)
		return NULL;
	return p;
}

static __always_inline bool
known(const void *addr, bool four, __u32 kind)
{
	struct decap_addr a = {.kind = kind};

	if (four) {
		a.w[2] = bpf_htonl(0xffff);
		__builtin_memcpy(&a.w[3], addr, 4);
	} else {
		__builtin_memcpy(a.w, addr, 16);
	}
	return bpf_map_lookup_elem(&addrs, &a);
}

/* Past the header that begins at o->bytes, of a protocol that carries others.
 */
static __always_inline bool
inside(struct xdp_md *ctx, struct outer *o)
{
	struct udphdr *udp;
	__u8 *gue;
	__be16 *gre;

	if (o->proto == IPPROTO_IPIP || o->proto == IPPROTO_IPV6)
		return true;
	if (o->proto == IPPROTO_GRE) {
		gre = at(ctx, o->bytes, 4);
		if (!gre || gre[0])
			return false;
		o->proto = gre[1] == bpf_htons(ETH_P_IP)  ? IPPROTO_IPIP
			: gre[1] == bpf_htons(ETH_P_IPV6) ? IPPROTO_IPV6
							  : 0;
		o->bytes += 4;
		return o->proto;
	}
	udp = o->proto == IPPROTO_UDP ? at(ctx, o->bytes, 12) : NULL;
	if (!udp || udp->dest != bpf_htons(gue_port))
		return false;
	gue = (__u8 *)(udp + 1);
	/* variant 0, no options, data and not control */
	if (gue[0] || (gue[1] != IPPROTO_IPIP && gue[1] != IPPROTO_IPV6))
		return false;
	o->proto = gue[1];
	o->bytes += 12;
	return true;
}

static __always_inline bool
outer4(struct xdp_md *ctx, struct outer *o)
{
	struct iphdr *ip = at(ctx, sizeof(struct ethhdr), sizeof(*ip));

	if (!ip || ip->ihl != 5 || ip->frag_off & bpf_htons(0x3fff) ||
		!known(&ip->saddr, true, DECAP_BALANCER))
		return false;
	o->proto = ip->protocol;
	o->ce = (ip->tos & 3) == 3;
	o->bytes = sizeof(struct ethhdr) + sizeof(*ip);
	return inside(ctx, o);
}

static __always_inline bool
outer6(struct xdp_md *ctx, struct outer *o)
{
	struct ipv6hdr *ip = at(ctx, sizeof(struct ethhdr), sizeof(*ip));

	if (!ip || !known(&ip->saddr, false, DECAP_BALANCER))
		return false;
	o->proto = ip->nexthdr;
	o->ce = (ip->flow_lbl[0] >> 4 & 3) == 3;
	o->bytes = sizeof(struct ethhdr) + sizeof(*ip);
	return inside(ctx, o);
}

/* The inner packet is for a VIP; and congestion is told to it, if it says that
 * its ends understand. False: it's not for us, or the mark would be lost. */
static __always_inline bool
inner_ok(struct xdp_md *ctx, const struct outer *o)
{
	struct iphdr *ip4;
	struct ipv6hdr *ip6;
	__u32 sum;

	if (o->proto == IPPROTO_IPIP) {
		ip4 = at(ctx, o->bytes, sizeof(*ip4));
		if (!ip4 || ip4->version != 4 ||
			!known(&ip4->daddr, true, DECAP_VIP))
			return false;
		if (!o->ce || (ip4->tos & 3) == 3)
			return true;
		if (!(ip4->tos & 3))
			return false;
		sum = (__u16)~ip4->check;
		sum += (__u16)~bpf_htons(ip4->tos);
		ip4->tos |= 3;
		sum += bpf_htons(ip4->tos);
		sum = (sum & 0xffff) + (sum >> 16);
		ip4->check = (__u16) ~((sum & 0xffff) + (sum >> 16));
		return true;
	}
	ip6 = at(ctx, o->bytes, sizeof(*ip6));
	if (!ip6 || ip6->version != 6 || !known(&ip6->daddr, false, DECAP_VIP))
		return false;
	if (!o->ce || (ip6->flow_lbl[0] >> 4 & 3) == 3)
		return true;
	if (!(ip6->flow_lbl[0] & 0x30))
		return false;
	ip6->flow_lbl[0] |= 0x30;
	return true;
}

SEC("xdp")
int
decap(struct xdp_md *ctx)
{
	struct ethhdr *eth = at(ctx, 0, sizeof(*eth)), saved;
	struct outer o = {0};
	bool found;

	if (!eth)
		return XDP_PASS;
	saved = *eth;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		found = outer4(ctx, &o);
	else
		found = eth->h_proto == bpf_htons(ETH_P_IPV6) &&
			outer6(ctx, &o);
	if (!found)
		return XDP_PASS;
	if (!inner_ok(ctx, &o)) {
		count(DECAP_REFUSED);
		return XDP_DROP;
	}
	if (bpf_xdp_adjust_head(ctx, (int)(o.bytes - sizeof(*eth))))
		return XDP_DROP;
	eth = at(ctx, 0, sizeof(*eth));
	if (!eth)
		return XDP_DROP;
	saved.h_proto = o.proto == IPPROTO_IPIP ? bpf_htons(ETH_P_IP)
						: bpf_htons(ETH_P_IPV6);
	*eth = saved;
	count(DECAP_TAKEN);
	return XDP_PASS;
}
