#pragma once
/*
 * What steers the packets of connections that have been moved to other nodes,
 * but for how a packet is kept or sent on, which each hook does in its own way:
 * steer.bpf.c at tc, steer_xdp.bpf.c at XDP.
 *
 * A program runs where clients' packets come in, and at the ingress of the
 * park, a TAP device: a packet of a connection that is being moved goes out
 * there, to our process, which writes it back to it when that is settled; then
 * it meets a program again, and goes where the flow says by then.
 *
 * A packet that is forwarded stays as it is, but for its TTL: the next node has
 * the virtual address, too.
 *
 * Nobody outside can make us park or forward: there is a flow for what this
 * process has moved only.
 */
#include "handoff/abi.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define TCP_TIMESTAMPS 0x0101080au /* two no-ops, and then the option */
#define QUIET_NS 1000000000ll

const volatile __u32 vip = 0, vip6[4] = {}; /* 0: none */
const volatile __u16 vip_port = 0;
const volatile __u8 nic_mac[ETH_ALEN] = {};

/* How many packets ever went to the park. Shared with the process: if it has
 * read as many, there is nothing to look for. */
__u64 parked = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HANDOFF_FLOWS_MAX);
	__type(key, struct handoff_key);
	__type(value, struct handoff_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HANDOFF_STAMPS_MAX);
	__type(key, struct handoff_key);
	__type(value, struct handoff_stamp);
} stamps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HANDOFF_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} steered SEC(".maps");

struct packet {
	struct ethhdr *eth;
	bool v6;
	struct tcphdr *tcp;
	void *end;
	unsigned payload; /* bytes */
	struct handoff_key key;
};

/* Steps: false, if it is none of those that can be steered. */
static __always_inline bool
parse_tcp(struct packet *p, void *tcp, __u32 bytes)
{
	unsigned head;

	p->tcp = tcp;
	if ((void *)(p->tcp + 1) > p->end || p->tcp->dest != vip_port)
		return false;
	head = p->tcp->doff * 4u;
	p->payload = bytes > head ? bytes - head : 0;
	p->key.port = p->tcp->source;
	return true;
}

static __always_inline bool
parse_v4(struct packet *p)
{
	struct iphdr *ip = (void *)(p->eth + 1);
	unsigned head, bytes;

	if ((void *)(ip + 1) > p->end || ip->version != 4 ||
		ip->protocol != IPPROTO_TCP || ip->daddr != vip ||
		(ip->frag_off & bpf_htons(0x3fff)))
		return false;
	head = ip->ihl * 4u;
	bytes = bpf_ntohs(ip->tot_len);
	if (head < sizeof(*ip) || bytes < head)
		return false;
	p->key.client[2] = bpf_htonl(0xffff);
	p->key.client[3] = ip->saddr;
	return parse_tcp(p, (void *)ip + (head & 0x3c), bytes - head);
}

/* With other headers before TCP's it is not: nobody sends these. */
static __always_inline bool
parse_v6(struct packet *p)
{
	struct ipv6hdr *ip = (void *)(p->eth + 1);

	if ((void *)(ip + 1) > p->end || ip->nexthdr != IPPROTO_TCP)
		return false;
	for (int i = 0; i < 4; i++) {
		if (ip->daddr.in6_u.u6_addr32[i] != vip6[i])
			return false;
		p->key.client[i] = ip->saddr.in6_u.u6_addr32[i];
	}
	p->v6 = true;
	return parse_tcp(p, ip + 1, bpf_ntohs(ip->payload_len));
}

static __always_inline bool
parse(struct packet *p, __u32 data, __u32 data_end)
{
	*p = (struct packet){.eth = (void *)(unsigned long)data,
		.end = (void *)(unsigned long)data_end};
	if ((void *)(p->eth + 1) > p->end)
		return false;
	if (p->eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_v4(p);
	return p->eth->h_proto == bpf_htons(ETH_P_IPV6) && parse_v6(p);
}

/* So that whoever takes the connection can tell its client the time that it
 * last told us (RFC 7323). Only as nearly everybody writes the option. */
static __always_inline void
note_stamp(const struct packet *p)
{
	__be32 *option = (void *)(p->tcp + 1);
	struct handoff_stamp stamp, *known;

	if (!p->payload || p->tcp->doff < 8 || (void *)(option + 3) > p->end ||
		option[0] != bpf_htonl(TCP_TIMESTAMPS))
		return;
	stamp.tsval = bpf_ntohl(option[1]);
	stamp.end = bpf_ntohl(p->tcp->seq) + p->payload;
	known = bpf_map_lookup_elem(&stamps, &p->key);
	if (known)
		*known = stamp; /* which costs a third of an update */
	else
		bpf_map_update_elem(&stamps, &p->key, &stamp, BPF_ANY);
}

/* In user space somebody may have looked at a finer clock, and later. */
static __always_inline bool
is_quiet(const struct handoff_flow *f)
{
	return (__s64)(bpf_ktime_get_coarse_ns() - f->used_ns) > QUIET_NS;
}

/* The client uses its port again: where its last connection went says nothing
 * of this one. A SYN that was late begins before what has been seen since. But
 * anybody can write one in the client's name: where packets have just come by,
 * it goes the same way, to whoever has the connection, who challenges it (RFC
 * 5961, 4.2), or takes it for what it is. */
static __always_inline bool
begins_anew(const struct packet *p, const struct handoff_flow *f)
{
	return p->tcp->syn && !p->tcp->ack && f->way != HANDOFF_PARK &&
		is_quiet(f) &&
		(f->closing || (__s32)(bpf_ntohl(p->tcp->seq) - f->seq) > 0);
}

static __always_inline void
note_passage(const struct packet *p, struct handoff_flow *f)
{
	f->used_ns = bpf_ktime_get_coarse_ns();
	f->seq = bpf_ntohl(p->tcp->seq);
	f->ack = bpf_ntohl(p->tcp->ack_seq);
	if (p->tcp->fin || p->tcp->rst)
		f->closing = 1;
	else if (p->tcp->syn)
		f->closing = 0;
}

/* Whether it is ours, or to be parked, or forwarded: then *f is by what. */
static __always_inline enum handoff_verdict
judge(const struct packet *p, struct handoff_flow **f)
{
	*f = bpf_map_lookup_elem(&flows, &p->key);
	if (*f && begins_anew(p, *f)) {
		bpf_map_delete_elem(&flows, &p->key);
		*f = NULL;
	}
	if (!*f) {
		note_stamp(p);
		return HANDOFF_ours;
	}
	note_passage(p, *f);
	return (*f)->way == HANDOFF_PARK ? HANDOFF_parked : HANDOFF_forwarded;
}

static __always_inline void
count(enum handoff_verdict v)
{
	__u32 key = v;
	__u64 *n = bpf_map_lookup_elem(&steered, &key);

	if (n)
		(*n)++;
}

/* --- on its way to another node ------------------------------------------- */

static __always_inline bool
count_down_v4(struct packet *p)
{
	struct iphdr *ip = (void *)(p->eth + 1);
	__u32 sum;

	if ((void *)(ip + 1) > p->end || ip->ttl <= 1)
		return false;
	sum = ip->check + bpf_htons(0x0100);
	ip->check = (__u16)(sum + (sum >= 0xffff));
	ip->ttl--;
	return true;
}

static __always_inline bool
count_down_v6(struct packet *p)
{
	struct ipv6hdr *ip = (void *)(p->eth + 1);

	if ((void *)(ip + 1) > p->end || ip->hop_limit <= 1)
		return false;
	ip->hop_limit--;
	return true;
}

/* As a router does. False: it must not go on: when each node thinks that
 * another one has it, nobody does, and our TCP will tell the client. */
static __always_inline bool
count_down(struct packet *p)
{
	return p->v6 ? count_down_v6(p) : count_down_v4(p);
}

static __always_inline void
address(struct packet *p, const struct handoff_flow *f)
{
	for (int i = 0; i < ETH_ALEN; i++) {
		p->eth->h_dest[i] = f->mac[i];
		p->eth->h_source[i] = nic_mac[i];
	}
}
