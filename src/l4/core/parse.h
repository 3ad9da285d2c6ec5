#pragma once
/*
 * From a frame to what the balancer needs to know of it. Reads nothing outside
 * the frame. What is not whole, or contradicts itself, is malformed: it's left
 * to the kernel, which drops it.
 */
#include "l4/core/env.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

/* Linux's own header for ICMP drags the C library's into the kernel's side. */
enum l4_icmp_type {
	L4_UNREACHABLE = 3, /* RFC 792 */
	L4_QUENCH = 4,
	L4_TIME_EXCEEDED = 11,
	L4_PARAMETER = 12,
	L4_FRAG_NEEDED = 4,  /* code of unreachable; RFC 1191 */
	L4_UNREACHABLE6 = 1, /* RFC 4443 */
	L4_TOO_BIG6 = 2,
	L4_TIME_EXCEEDED6 = 3,
	L4_PARAMETER6 = 4,
};

struct l4_icmp {
	__u8 type, code;
	__u16 check;
	__u16 rest[2]; /* the MTU: the second one, or both */
};

#define L4_IP_DF 0x4000
#define L4_IP_MF 0x2000
#define L4_IP_OFFSET 0x1fff
#define L4_EXTENSIONS_MAX 6

/* Where a header may begin: as far as one lookup of the verifier goes. */
#define L4_OFF_MASK 0x3ffu

enum l4_fragment { L4_WHOLE, L4_FIRST, L4_LATER };

enum l4_tcp_flag { L4_FIN = 1, L4_SYN = 2, L4_RST = 4, L4_ACK = 16 };

struct l4_packet {
	union l4_addr src, dst;
	__u16 sport, dport; /* 0 in later fragments and ICMP */
	__u32 ip;	    /* where the IP header begins */
	__u32 off;	    /* where what follows the IP headers begins */
	__u32 bytes;	    /* IP length, of the packet */
	__u32 id;	    /* of the datagram, for its fragments */
	__u8 family;	    /* 4, 6 */
	__u8 proto;
	__u8 tcp;      /* enum l4_tcp_flag */
	__u8 fragment; /* enum l4_fragment */
	__u8 icmp;     /* type */
	__u8 ttl, tos;
	bool df;
};

static __always_inline void
l4_map4(union l4_addr *a, __u32 addr)
{
	/* in one store, or reading it as one would have to wait */
	a->d[0] = 0;
	a->d[1] = (__u64)addr << L4_LAST_SHIFT | L4_MAPPED_WORD;
}

static __always_inline bool
l4_is4(const union l4_addr *a)
{
	return a->d[0] == 0 && a->w[2] == bpf_htonl(0xffff);
}

static __always_inline bool
l4_same(const union l4_addr *a, const union l4_addr *b)
{
	return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}

static __always_inline enum l4_verdict
l4_parse_tcp(L4_FRAME *f, struct l4_packet *p)
{
	__u32 room = p->bytes - (p->off - p->ip);
	struct tcphdr *tcp = frame_at(f, p->off & L4_OFF_MASK, sizeof(*tcp));

	if (!tcp || tcp->doff < 5 || tcp->doff * 4u > room || !tcp->dest)
		return L4_pass_malformed;
	p->sport = tcp->source;
	p->dport = tcp->dest;
	p->tcp = ((__u8 *)tcp)[13];
	return L4_VERDICTS;
}

static __always_inline enum l4_verdict
l4_parse_udp(L4_FRAME *f, struct l4_packet *p)
{
	__u32 room = p->bytes - (p->off - p->ip);
	struct udphdr *udp = frame_at(f, p->off & L4_OFF_MASK, sizeof(*udp));

	if (!udp || room < sizeof(*udp) || !udp->dest ||
		bpf_ntohs(udp->len) < sizeof(*udp) ||
		(p->fragment == L4_WHOLE && bpf_ntohs(udp->len) > room))
		return L4_pass_malformed;
	p->sport = udp->source;
	p->dport = udp->dest;
	return L4_VERDICTS;
}

static __always_inline enum l4_verdict
l4_parse_icmp(L4_FRAME *f, struct l4_packet *p)
{
	__u8 *type = frame_at(f, p->off & L4_OFF_MASK, 8);

	if (!type || p->bytes - (p->off - p->ip) < 8)
		return L4_pass_malformed;
	p->icmp = *type;
	return L4_VERDICTS;
}

/* The header after IP's; a later fragment has none. */
static __always_inline enum l4_verdict
l4_parse_l4(L4_FRAME *f, struct l4_packet *p)
{
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP &&
		p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6)
		return L4_pass_protocol;
	if (p->fragment == L4_LATER)
		return L4_VERDICTS;
	if (p->proto == IPPROTO_TCP)
		return l4_parse_tcp(f, p);
	if (p->proto == IPPROTO_UDP)
		return l4_parse_udp(f, p);
	if (p->proto != (p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return L4_pass_protocol;
	return l4_parse_icmp(f, p);
}

/* The IPv4 header at off; of a packet that is quoted in an ICMP error not all
 * may be there. */
static __always_inline enum l4_verdict
l4_parse_ip4(L4_FRAME *f, __u32 off, bool quoted, struct l4_packet *p)
{
	struct iphdr *ip = frame_at(f, off, sizeof(*ip));
	__u32 frag, head;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return L4_pass_malformed;
	head = ip->ihl * 4u;
	p->family = 4;
	p->bytes = bpf_ntohs(ip->tot_len);
	/* The frame may be longer than the datagram (padding), not shorter. */
	if (p->bytes < head || (!quoted && off + p->bytes > frame_len(f)))
		return L4_pass_malformed;
	frag = bpf_ntohs(ip->frag_off);
	p->df = frag & L4_IP_DF;
	p->fragment = frag & L4_IP_OFFSET ? L4_LATER
		: frag & L4_IP_MF	  ? L4_FIRST
					  : L4_WHOLE;
	p->id = ip->id;
	p->proto = ip->protocol;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	l4_map4(&p->src, ip->saddr);
	l4_map4(&p->dst, ip->daddr);
	p->ip = off;
	p->off = off + head;
	return L4_VERDICTS;
}

struct l4_extension {
	__u8 next, length; /* in 8 bytes, the first 8 not counted */
	__be16 offset;	   /* of a fragment */
	__be32 id;
};

/* Past an extension header. False: there is none, or it's cut short. */
static __always_inline bool
l4_extension(L4_FRAME *f, struct l4_packet *p)
{
	struct l4_extension *e;
	__u32 frag;

	if (p->proto != 0 /* hop by hop */ && p->proto != IPPROTO_ROUTING &&
		p->proto != IPPROTO_DSTOPTS && p->proto != IPPROTO_FRAGMENT)
		return false;
	e = frame_at(f, p->off & L4_OFF_MASK, sizeof(*e));
	if (!e)
		return false;
	if (p->proto == IPPROTO_FRAGMENT) {
		frag = bpf_ntohs(e->offset);
		if (frag & 0xfff9) /* 1 alone would be an atomic fragment's */
			p->fragment = frag & 0xfff8 ? L4_LATER : L4_FIRST;
		p->id = e->id;
		p->off += 8;
	} else {
		p->off += 8 + e->length * 8u;
	}
	p->proto = e->next;
	return p->fragment != L4_LATER;
}

static __always_inline enum l4_verdict
l4_parse_ip6(L4_FRAME *f, __u32 off, bool quoted, struct l4_packet *p)
{
	struct ipv6hdr *ip = frame_at(f, off, sizeof(*ip));

	if (!ip || ip->version != 6)
		return L4_pass_malformed;
	p->family = 6;
	p->bytes = bpf_ntohs(ip->payload_len) + (__u32)sizeof(*ip);
	if (!quoted && off + p->bytes > frame_len(f))
		return L4_pass_malformed;
	p->fragment = L4_WHOLE;
	p->df = true;
	p->proto = ip->nexthdr;
	p->ttl = ip->hop_limit;
	p->tos = (__u8)(ip->priority << 4 | ip->flow_lbl[0] >> 4);
	__builtin_memcpy(&p->src, &ip->saddr, 16);
	__builtin_memcpy(&p->dst, &ip->daddr, 16);
	p->ip = off;
	p->off = off + (__u32)sizeof(*ip);
	for (int i = 0; i < L4_EXTENSIONS_MAX; i++)
		if (!l4_extension(f, p))
			break;
	if (p->off > L4_OFF_MASK || p->off - off > p->bytes)
		return L4_pass_malformed;
	return L4_VERDICTS;
}

/* A verdict, or L4_VERDICTS when *p is filled in. *p starts all zero. */
static __always_inline enum l4_verdict
l4_parse(L4_FRAME *f, const __u8 *own_mac, struct l4_packet *p)
{
	struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
	enum l4_verdict v;

	if (!eth)
		return L4_pass_malformed;
	/* A switch may flood; a frame for someone else must not be sent
	 * twice. */
	if (!mac_same(eth->h_dest, own_mac))
		return L4_pass_not_ours;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		v = l4_parse_ip4(f, sizeof(*eth), false, p);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		v = l4_parse_ip6(f, sizeof(*eth), false, p);
	else
		return L4_pass_not_ip;
	return v == L4_VERDICTS ? l4_parse_l4(f, p) : v;
}
