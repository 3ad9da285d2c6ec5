#pragma once
/*
 * To the destination chosen: by another MAC address (direct routing), inside
 * another packet (tunnel), or with another address (NAT). As a router does, it
 * counts the time to live down and tells who sends more than the path takes.
 */
#include "l4/core/nat.h"
#include "l4/core/sched.h"
#include "l4/core/tell.h"

/* Bytes that the tunnel puts in front. */
static __always_inline __u32
l4_overhead_bytes(const struct l4_dest *d)
{
	__u32 n = l4_is4(&d->addr) ? 20 : 40;

	if (d->method != L4_TUNNEL)
		return 0;
	if (d->tun == L4_GUE)
		return n + 8 + 4;
	if (d->tun == L4_GRE)
		return n + (d->flags & L4_DEST_CSUM ? 8 : 4);
	return n;
}

static __always_inline bool
l4_count_hop(L4_FRAME *f, const struct l4_packet *p)
{
	struct iphdr *ip4;
	struct ipv6hdr *ip6;

	if (p->family == 4) {
		ip4 = frame_at(f, p->ip & L4_OFF_MASK, sizeof(*ip4));
		if (!ip4)
			return false;
		ip4->check = l4_sum_hop(ip4->check);
		ip4->ttl--;
	} else {
		ip6 = frame_at(f, p->ip & L4_OFF_MASK, sizeof(*ip6));
		if (!ip6)
			return false;
		ip6->hop_limit--;
	}
	return true;
}

/* --- tunnels ----------------------------------------------------------------
 */

/* RFC 2890's order; the checksum is over the header and the packet, which is
 * too long to add up here: such tunnels are refused when rules are made. */
static __always_inline bool
l4_put_gre(L4_FRAME *f, __u32 off, __u16 ether)
{
	__u16 *gre = frame_at(f, off, 4);

	if (!gre)
		return false;
	gre[0] = 0;
	gre[1] = ether;
	return true;
}

/* Generic UDP Encapsulation, variant 0 without options. The source port is the
 * flow's own, so that it stays on one path and on one queue. */
static __always_inline bool
l4_put_gue(L4_FRAME *f, __u32 off, __u32 bytes, __u32 inner, __u32 flow,
	__u16 port)
{
	struct udphdr *udp = frame_at(f, off, sizeof(*udp));
	__u8 *gue = frame_at(f, off + (__u32)sizeof(*udp), 4);

	if (!udp || !gue)
		return false;
	udp->source = bpf_htons((__u16)(0xc000 | (flow & 0x3fff)));
	udp->dest = port;
	udp->len = bpf_htons((__u16)bytes);
	udp->check = 0;
	gue[0] = 0;
	gue[1] = (__u8)inner;
	gue[2] = gue[3] = 0;
	return true;
}

static __always_inline bool
l4_put_outer4(L4_FRAME *f, const struct l4_job *j, const struct l4_dest *d,
	__u32 bytes, __u32 proto, __u32 flow)
{
	struct iphdr *ip = frame_at(f, sizeof(struct ethhdr), sizeof(*ip));
	struct l4_ctl *ctl = at_ctl(0);

	if (!ip || !ctl)
		return false;
	*ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.tos = j->p.tos,
		.tot_len = bpf_htons((__u16)bytes),
		.id = j->p.df ? 0 : (__u16)(flow ^ j->now ^ j->p.id),
		.frag_off = j->p.df ? bpf_htons(L4_IP_DF) : 0,
		.ttl = (__u8)(j->p.ttl - 1),
		.protocol = (__u8)proto,
		.saddr = ctl->own4.w[3],
		.daddr = d->addr.w[3]};
	ip->check = (__u16)~l4_sum_fold(
		l4_sum_frame(f, sizeof(struct ethhdr), sizeof(*ip)));
	return true;
}

static __always_inline bool
l4_put_outer6(L4_FRAME *f, const struct l4_job *j, const struct l4_dest *d,
	__u32 bytes, __u32 proto)
{
	struct ipv6hdr *ip = frame_at(f, sizeof(struct ethhdr), sizeof(*ip));
	struct l4_ctl *ctl = at_ctl(0);

	if (!ip || !ctl)
		return false;
	*ip = (struct ipv6hdr){.version = 6,
		.payload_len = bpf_htons((__u16)(bytes - sizeof(*ip))),
		.nexthdr = (__u8)proto,
		.hop_limit = (__u8)(j->p.ttl - 1)};
	/* version and traffic class straddle the first two bytes */
	((__u8 *)ip)[0] = (__u8)(0x60 | j->p.tos >> 4);
	ip->flow_lbl[0] = (__u8)(j->p.tos << 4);
	__builtin_memcpy(&ip->saddr, &ctl->own6, 16);
	__builtin_memcpy(&ip->daddr, &d->addr, 16);
	return true;
}

/* The packet into a tunnel to d. */
static __always_inline bool
l4_put_tunnel(L4_FRAME *f, struct l4_job *j, const struct l4_dest *d)
{
	bool four = l4_is4(&d->addr), inner4 = j->p.family == 4;
	__u32 outer = four ? 20 : 40, more = l4_overhead_bytes(d);
	__u32 inner = inner4 ? IPPROTO_IPIP : IPPROTO_IPV6, proto = inner;
	__u32 flow = l4_siphash(
		l4_fold(&j->p.src) ^ ((__u32)j->p.sport << 16 | j->p.dport),
		L4_MH_KEY1);
	__u32 off = (__u32)sizeof(struct ethhdr) + outer;
	struct ethhdr *eth;

	if (!frame_grow(f, (int)more))
		return false;
	eth = frame_at(f, 0, sizeof(*eth));
	if (!eth)
		return false;
	eth->h_proto = bpf_htons(four ? ETH_P_IP : ETH_P_IPV6);
	if (d->tun == L4_GUE) {
		proto = IPPROTO_UDP;
		if (!l4_put_gue(f, off, j->p.bytes + more - outer, inner, flow,
			    d->tun_port))
			return false;
	} else if (d->tun == L4_GRE) {
		proto = IPPROTO_GRE;
		if (!l4_put_gre(
			    f, off, bpf_htons(inner4 ? ETH_P_IP : ETH_P_IPV6)))
			return false;
	}
	return four ? l4_put_outer4(f, j, d, j->p.bytes + more, proto, flow)
		    : l4_put_outer6(f, j, d, j->p.bytes + more, proto);
}

/* --- NAT
 * ----------------------------------------------------------------------- */

/* The port that the server has for a flow to this front: its own, or the one
 * asked for if it stands for all. */
static __always_inline __u16
l4_server_port(const struct l4_dest *d, __u16 dport)
{
	return d->port ? d->port : dport;
}

static __always_inline void
l4_to_server(const struct l4_job *j, const struct l4_dest *d, __u16 dport,
	struct l4_rewrite *r)
{
	r->from = j->p.dst;
	r->to = d->addr;
	r->from_port = dport;
	r->to_port = l4_server_port(d, dport);
	r->source = false;
}

/* --- all
 * ------------------------------------------------------------------------ */

static __always_inline void
l4_stat_in(const struct l4_job *j)
{
	struct l4_stat *s = at_stats(j->cpu * L4_DESTS_MAX + j->dest);

	if (s) {
		s->in_packets++;
		s->in_bytes += j->p.bytes;
	}
}

static __always_inline bool
l4_send_to(L4_FRAME *f, struct l4_job *j, const struct l4_dest *d)
{
	struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
	struct l4_ctl *ctl = at_ctl(0);

	if (!eth || !ctl)
		return false;
	/* The client's own MAC here would teach the switch that the client is
	 * behind our port. */
	l4_set_macs(eth, d->mac, ctl->mac);
	j->out = d->ifindex;
	return true;
}

L4_STEP int
l4_tunnel(L4_FRAME *f, struct l4_job *j, const struct l4_dest *d)
{
	return j && d && l4_put_tunnel(f, j, d);
}

L4_STEP int
l4_nat(L4_FRAME *f, struct l4_job *j, const struct l4_dest *d)
{
	if (!j || !d)
		return false;
	l4_to_server(j, d, j->p.dport, &j->rewrite);
	return l4_rewrite(f, &j->p, &j->rewrite);
}

/* Sends the packet on to j->dest; `verdict` if nothing is in the way. */
static __always_inline enum l4_verdict
l4_forward(L4_FRAME *f, struct l4_job *j, enum l4_verdict verdict)
{
	struct l4_dest *d = l4_dest(j->half, j->dest);
	__u32 room;

	if (!d)
		return L4_drop_no_node;
	l4_stat_in(j);
	if (d->method == L4_LOCAL)
		return L4_pass_local;
	if (!(d->flags & L4_DEST_UP))
		return L4_drop_unreachable;
	if (j->p.ttl <= 1)
		return l4_tell_ttl(f, &j->p);
	room = d->mtu - l4_overhead_bytes(d);
	/* A router would split what may be split; here its sender is told as
	 * well, since nobody else can do it. */
	if (j->p.bytes > room)
		return l4_tell_too_big(f, &j->p, room);
	if (!l4_count_hop(f, &j->p))
		return L4_drop_headroom;
	if (d->method == L4_TUNNEL && !l4_tunnel(f, j, d))
		return L4_drop_headroom;
	if (d->method == L4_MASQ && !l4_nat(f, j, d))
		return L4_drop_headroom;
	return l4_send_to(f, j, d) ? verdict : L4_drop_headroom;
}
