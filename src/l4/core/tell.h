#pragma once
/*
 * ICMP errors of our own: a packet is turned into the error about itself and
 * goes back where it came from. Its source is the address that the packet was
 * for, since only that is sure to be one that the sender knows. Of an error
 * nobody is told (RFC 1122, 3.2.2; RFC 4443, 2.4).
 */
#include "l4/core/sum.h"

struct l4_macs {
	__u8 dst[ETH_ALEN], src[ETH_ALEN];
} __attribute__((aligned(2)));

static __always_inline void
l4_set_macs(struct ethhdr *eth, const __u8 *dst, const __u8 *src)
{
	mac_copy(eth->h_dest, dst);
	mac_copy(eth->h_source, src);
}

/* The Ethernet header, turned round. */
static __always_inline bool
l4_turn_macs(L4_FRAME *f, const struct l4_macs *m, __u16 proto)
{
	struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));

	if (!eth)
		return false;
	l4_set_macs(eth, m->src, m->dst);
	eth->h_proto = proto;
	return true;
}

static __always_inline bool
l4_tell4(L4_FRAME *f, const struct l4_packet *p, __u32 quoted, __u32 type,
	__u32 code, __u32 mtu)
{
	struct iphdr *ip = frame_at(f, sizeof(struct ethhdr), sizeof(*ip));
	struct l4_icmp *icmp =
		frame_at(f, sizeof(struct ethhdr) + sizeof(*ip), sizeof(*icmp));

	if (!ip || !icmp)
		return false;
	*ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(
			(__u16)(sizeof(*ip) + sizeof(*icmp) + quoted)),
		.ttl = 64,
		.protocol = IPPROTO_ICMP,
		.saddr = p->dst.w[3],
		.daddr = p->src.w[3]};
	ip->check = (__u16)~l4_sum_fold(
		l4_sum_frame(f, sizeof(struct ethhdr), sizeof(*ip)));
	*icmp = (struct l4_icmp){.type = (__u8)type, .code = (__u8)code};
	icmp->rest[1] = bpf_htons((__u16)mtu);
	icmp->check = (__u16)~l4_sum_fold(
		l4_sum_frame(f, sizeof(struct ethhdr) + sizeof(*ip),
			(__u32)sizeof(*icmp) + quoted));
	return true;
}

static __always_inline bool
l4_tell6(L4_FRAME *f, const struct l4_packet *p, __u32 quoted, __u32 type,
	__u32 code, __u32 mtu)
{
	struct ipv6hdr *ip = frame_at(f, sizeof(struct ethhdr), sizeof(*ip));
	struct l4_icmp *icmp =
		frame_at(f, sizeof(struct ethhdr) + sizeof(*ip), sizeof(*icmp));
	__u32 n = (__u32)sizeof(*icmp) + quoted;

	if (!ip || !icmp)
		return false;
	*ip = (struct ipv6hdr){.version = 6,
		.payload_len = bpf_htons((__u16)n),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = 64};
	__builtin_memcpy(&ip->saddr, &p->dst, 16);
	__builtin_memcpy(&ip->daddr, &p->src, 16);
	*icmp = (struct l4_icmp){.type = (__u8)type, .code = (__u8)code};
	icmp->rest[1] = bpf_htons((__u16)mtu);
	icmp->check = (__u16)~l4_sum_fold(
		l4_sum_frame(f, sizeof(struct ethhdr) + sizeof(*ip), n) +
		l4_sum_addr(&p->src) + l4_sum_addr(&p->dst) + bpf_htonl(n) +
		bpf_htonl(IPPROTO_ICMPV6));
	return true;
}

/* Turns the frame into an ICMP error about itself: type and code for IPv4 and
 * IPv6. False: it could not be done, and the frame may be spoilt. */
L4_STEP int
l4_tell(L4_FRAME *f, const struct l4_packet *p, __u32 type4, __u32 type6,
	__u32 mtu)
{
	struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
	__u32 quoted, len = frame_len(f);
	struct l4_macs macs;
	bool four;

	if (!eth || !p)
		return false;
	four = p->family == 4;
	quoted = p->off - p->ip + 8;
	if (quoted > L4_SUM_MAX - 8 || quoted & 3 || len < p->ip + quoted ||
		p->fragment == L4_LATER || p->icmp)
		return false;
	__builtin_memcpy(macs.dst, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(macs.src, eth->h_source, ETH_ALEN);
	if (!frame_cut(f, (int)(len - p->ip - quoted)) ||
		!frame_grow(f, four ? 28 : 48) ||
		!l4_turn_macs(
			f, &macs, bpf_htons(four ? ETH_P_IP : ETH_P_IPV6)))
		return false;
	return four ? l4_tell4(f, p, quoted, type4 >> 8, type4 & 255, mtu)
		    : l4_tell6(f, p, quoted, type6, 0, mtu);
}

static __always_inline enum l4_verdict
l4_tell_too_big(L4_FRAME *f, const struct l4_packet *p, __u32 mtu)
{
	return l4_tell(f, p, L4_UNREACHABLE << 8 | L4_FRAG_NEEDED, L4_TOO_BIG6,
		       mtu)
		? L4_tx_too_big
		: L4_drop_too_big;
}

static __always_inline enum l4_verdict
l4_tell_ttl(L4_FRAME *f, const struct l4_packet *p)
{
	return l4_tell(f, p, L4_TIME_EXCEEDED << 8, L4_TIME_EXCEEDED6, 0)
		? L4_tx_ttl
		: L4_drop_ttl;
}
