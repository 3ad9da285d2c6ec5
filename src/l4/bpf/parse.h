#pragma once
/*
 * From a frame to what the balancer needs to know of it. Compiled for BPF and
 * natively (tests, fuzzing): reads nothing outside [data, end).
 */
#include "l4/abi.h"

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>

/* Some headers, on either side, make this a mere `inline`. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define L4_IP_FRAGMENT 0x3fff /* MF or an offset */

struct l4_cursor {
	char *at;
	char *end;
};

struct l4_packet {
	struct ethhdr *eth;
	struct l4_flow_key flow;
	__u32 bytes;   /* IP total length */
	bool fragment; /* no ports then, and none of what follows */
	bool syn;      /* opens a connection */
	bool fin;
	bool rst;
};

/* Past n bytes, which are then known to be there. */
static __always_inline bool
l4_advance(struct l4_cursor *c, unsigned n)
{
	if (c->at + n > c->end)
		return false;
	c->at += n;
	return true;
}

static __always_inline bool
l4_mac_is(const __u8 *mac, const volatile __u8 *own)
{
	for (int i = 0; i < ETH_ALEN; i++)
		if (mac[i] != own[i])
			return false;
	return true;
}

/* The TCP header, which starts room bytes before the end of the datagram. */
static __always_inline enum l4_verdict
l4_parse_tcp(struct l4_cursor *c, unsigned room, struct l4_packet *p)
{
	struct tcphdr *tcp = (void *)c->at;

	if (!l4_advance(c, sizeof(*tcp)) || tcp->doff < 5 ||
		tcp->doff * 4u > room || !tcp->dest)
		return L4_pass_malformed;
	p->flow.client_port = tcp->source;
	p->flow.port = tcp->dest;
	p->rst = tcp->rst;
	p->syn = tcp->syn && !tcp->ack && !tcp->rst;
	p->fin = tcp->fin;
	return L4_VERDICTS;
}

static __always_inline enum l4_verdict
l4_parse_ipv4(struct l4_cursor *c, struct l4_packet *p)
{
	struct iphdr *ip = (void *)c->at;
	unsigned head;

	if (!l4_advance(c, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5)
		return L4_pass_malformed;
	head = ip->ihl * 4u;
	p->bytes = bpf_ntohs(ip->tot_len);
	/* The frame may be longer than the datagram (padding), not shorter. */
	if (p->bytes < head || (char *)ip + p->bytes > c->end)
		return L4_pass_malformed;
	if (ip->protocol != IPPROTO_TCP)
		return L4_pass_not_tcp;
	p->flow.client = ip->saddr;
	p->flow.vip = ip->daddr;
	p->flow.proto = IPPROTO_TCP;
	p->fragment = ip->frag_off & bpf_htons(L4_IP_FRAGMENT);
	if (p->fragment)
		return L4_VERDICTS;
	if (!l4_advance(c, head - (unsigned)sizeof(*ip)))
		return L4_pass_malformed;
	return l4_parse_tcp(c, p->bytes - head, p);
}

/* A verdict, or L4_VERDICTS when *p is filled in. *p starts all zero. */
static __always_inline enum l4_verdict
l4_parse(void *data, void *end, const volatile __u8 *own_mac,
	struct l4_packet *p)
{
	struct l4_cursor c = {data, end};

	p->eth = data;
	if (!l4_advance(&c, sizeof(*p->eth)))
		return L4_pass_malformed;
	/* A switch may flood; a frame for someone else must not be sent
	 * twice. */
	if (!l4_mac_is(p->eth->h_dest, own_mac))
		return L4_pass_not_ours;
	if (p->eth->h_proto != bpf_htons(ETH_P_IP))
		return L4_pass_not_ipv4;
	return l4_parse_ipv4(&c, p);
}
