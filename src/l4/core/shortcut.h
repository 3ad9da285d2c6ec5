#pragma once
/*
 * A short cut for what most packets are: IPv4 without options, TCP, direct
 * routing; in the midst of a flow that is established, or the first of one. It
 * keeps in registers what the long way keeps in memory for all the others, and
 * looks nothing up twice.
 *
 * It does exactly what l4_balance() would, or nothing at all. The native model
 * never takes it: so each test of the program against the model is one of the
 * short cut against the long way.
 */
#include "l4/core/balance.h"

/* What struct l4_job is on the long way: all of it in registers. */
struct l4_short {
	const struct l4_ctl *ctl;
	struct ethhdr *eth;
	struct iphdr *ip;
	struct tcphdr *tcp;
	__u32 half, cpu, now;
	__u32 bytes; /* IP length */
	__u32 front, service;
	struct l4_key key;
};

static __always_inline bool
l4_headers_of(L4_FRAME *f, struct l4_short *s)
{
	s->eth = frame_at(
		f, 0, sizeof(*s->eth) + sizeof(*s->ip) + sizeof(*s->tcp));
	if (!s->eth)
		return false;
	s->ip = (void *)(s->eth + 1);
	s->tcp = (void *)(s->ip + 1);
	s->bytes = bpf_ntohs(s->ip->tot_len);
	return true;
}

static __always_inline __u8
l4_flags_of(const struct l4_short *s)
{
	return ((const __u8 *)s->tcp)[13];
}

/* The TCP header's length in bytes. From its byte alone: a load that takes in
 * the flags beside it would have to wait until whoever wrote them is done. */
static __always_inline __u32
l4_tcp_length(const struct l4_short *s)
{
	return ((const __u8 *)s->tcp)[12] >> 4 << 2;
}

/* Whether it's IPv4, without options: both headers at once. */
static __always_inline bool
l4_is_ip4(const struct ethhdr *eth)
{
	const __u32 *both = (const void *)(eth->h_source + ETH_ALEN);

	return (*both & bpf_htonl(0xffffff00)) ==
		bpf_htonl(ETH_P_IP << 16 | 0x4500);
}

/* A whole TCP packet, in IPv4 without options, that may go on. */
static __always_inline bool
l4_plain(L4_FRAME *f, const struct l4_short *s)
{
	return mac_same(s->eth->h_dest, s->ctl->mac) && l4_is_ip4(s->eth) &&
		s->ip->protocol == IPPROTO_TCP &&
		!(s->ip->frag_off & bpf_htons(L4_IP_MF | L4_IP_OFFSET)) &&
		s->ip->ttl > 1 && s->tcp->dest &&
		l4_tcp_length(s) >= sizeof(*s->tcp) &&
		sizeof(*s->ip) + l4_tcp_length(s) <= s->bytes &&
		sizeof(*s->eth) + s->bytes <= frame_len(f);
}

/* Sets front, service and key. False: the front is not where it's looked for
 * first, or there is none. */
static __always_inline bool
l4_front_at_once(struct l4_short *s)
{
	union l4_addr vip, client;
	struct l4_front *front;

	l4_map4(&vip, s->ip->daddr);
	l4_map4(&client, s->ip->saddr);
	s->front = l4_front_hash(&vip, s->tcp->dest, IPPROTO_TCP);
	front = l4_front(s->half, s->front);
	if (!front || !s->front ||
		!l4_front_is(
			front, &vip, s->tcp->dest, IPPROTO_TCP, L4_FRONT_VIP))
		return false;
	s->service = front->service;
	s->key.client[0] = client.d[0];
	s->key.client[1] = client.d[1];
	s->key.ends =
		l4_ends(s->tcp->source, s->tcp->dest, s->front, L4_KIND_FLOW);
	return s->service;
}

/* The packet to its destination; or false, if that takes more than to send it.
 */
static __always_inline bool
l4_send_at_once(const struct l4_short *s, __u32 dest, __u32 *out)
{
	struct l4_stat *stat = at_stats(s->cpu * L4_DESTS_MAX + dest);
	struct l4_dest *d = l4_dest(s->half, dest);
	__u32 good = L4_DEST_LIVE | L4_DEST_UP;

	if (!stat || !d || d->service != s->service ||
		(d->flags & good) != good || d->method != L4_ROUTE ||
		s->bytes > d->mtu)
		return false;
	stat->in_packets++;
	stat->in_bytes += s->bytes;
	s->ip->check = l4_sum_hop(s->ip->check);
	s->ip->ttl--;
	l4_set_macs(s->eth, d->mac, s->ctl->mac);
	*out = d->ifindex;
	return true;
}

/* In the midst of a flow that has an entry. */
static __always_inline enum l4_verdict
l4_go_on(const struct l4_short *s, struct l4_flow *e, __u32 *out)
{
	__u64 w = e->word, new;
	__u32 packets = w >> 8 & 255;

	if (l4_word_state(w) != L4_ESTABLISHED ||
		((__s32)(s->now - l4_seen(w)) > 0 &&
			s->now - l4_seen(w) >
				s->ctl->timeout[L4_ESTABLISHED]) ||
		!l4_send_at_once(s, l4_word_dest(w), out))
		return L4_VERDICTS;
	packets += packets < L4_PACKETS_MAX;
	new = l4_word(s->now, l4_word_dest(w), packets, l4_word_flags(w),
		L4_ESTABLISHED);
	if ((__u32) new != (__u32)w || l4_stale(s->ctl, w, s->now))
		__sync_val_compare_and_swap(&e->word, w, new);
	return L4_tx_known;
}

/* What the long way would have found out so far. */
static __always_inline void
l4_put_job(const struct l4_short *s, struct l4_job *j)
{
	struct l4_packet *p = &j->p;

	l4_job_start(j, s->ctl, s->cpu, s->now);
	j->front = s->front;
	j->service = s->service;
	j->key = s->key;
	l4_map4(&p->src, s->ip->saddr);
	l4_map4(&p->dst, s->ip->daddr);
	p->sport = s->tcp->source;
	p->dport = s->tcp->dest;
	p->ip = sizeof(*s->eth);
	p->off = sizeof(*s->eth) + sizeof(*s->ip);
	p->bytes = s->bytes;
	p->id = s->ip->id;
	p->family = 4;
	p->proto = IPPROTO_TCP;
	p->tcp = l4_flags_of(s);
	p->fragment = L4_WHOLE;
	p->icmp = 0;
	p->ttl = s->ip->ttl;
	p->tos = s->ip->tos;
	p->df = s->ip->frag_off & bpf_htons(L4_IP_DF);
}

/* The first of a flow. It begins as on the long way, and goes on there if need
 * be. */
static __always_inline enum l4_verdict
l4_open(L4_FRAME *f, const struct l4_short *s, struct l4_job *j, __u32 *out)
{
	enum l4_verdict v;

	l4_put_job(s, j);
	v = (enum l4_verdict)l4_begin(f, j, L4_BY_SCHEDULER, L4_tx_new);
	if (!j->dest || v == L4_drop_nat_room ||
		l4_send_at_once(s, j->dest, out))
		return v;
	v = l4_forward(f, j, v);
	*out = j->out;
	return v;
}

/* A verdict, and by which interface; or L4_VERDICTS: take the long way. */
static __always_inline enum l4_verdict
l4_shortcut(L4_FRAME *f, struct l4_job *j, const struct l4_ctl *ctl, __u32 cpu,
	__u32 now, __u32 *out)
{
	struct l4_short all = {.ctl = ctl,
				.half = ctl->generation & 1,
				.cpu = cpu,
				.now = now},
			*s = &all;
	struct l4_flow *e;
	__u32 flags;

	if (!l4_headers_of(f, s))
		return L4_VERDICTS;
	flags = l4_flags_of(s) & (L4_ACK | L4_SYN | L4_FIN | L4_RST);
	if ((flags != L4_ACK && flags != L4_SYN) || !l4_plain(f, s) ||
		!l4_front_at_once(s))
		return L4_VERDICTS;
	e = l4_lookup_in(ctl, &s->key);
	if (flags == L4_ACK)
		return e ? l4_go_on(s, e, out) : L4_VERDICTS;
	return e ? L4_VERDICTS : l4_open(f, s, j, out);
}
