#pragma once
/*
 * A short cut for what most packets are: IPv4 without options, TCP in the midst
 * of a flow that is established, direct routing. It keeps in registers what the
 * long way keeps in memory for all the others, and looks nothing up twice.
 *
 * It does exactly what l4_balance() would, or nothing at all. The native model
 * never takes it: so each test of the program against the model is one of the
 * short cut against the long way.
 */
#include "l4/core/balance.h"

struct l4_headers {
	struct ethhdr *eth;
	struct iphdr *ip;
	struct tcphdr *tcp;
};

static __always_inline bool
l4_headers_of(L4_FRAME *f, struct l4_headers *h)
{
	h->eth = frame_at(
		f, 0, sizeof(*h->eth) + sizeof(*h->ip) + sizeof(*h->tcp));
	if (!h->eth)
		return false;
	h->ip = (void *)(h->eth + 1);
	h->tcp = (void *)(h->ip + 1);
	return true;
}

/* Of a connection in its midst, whole, and that may go on. */
static __always_inline bool
l4_plain(L4_FRAME *f, const struct l4_headers *h, const __u8 *own_mac)
{
	__u32 bytes = bpf_ntohs(h->ip->tot_len);
	__u8 flags = ((const __u8 *)h->tcp)[13];

	return l4_mac_is(h->eth->h_dest, own_mac) &&
		h->eth->h_proto == bpf_htons(ETH_P_IP) &&
		*(const __u8 *)h->ip == 0x45 &&
		h->ip->protocol == IPPROTO_TCP &&
		!(h->ip->frag_off & bpf_htons(L4_IP_MF | L4_IP_OFFSET)) &&
		h->ip->ttl > 1 && h->tcp->dest && h->tcp->doff >= 5 &&
		sizeof(*h->ip) + h->tcp->doff * 4u <= bytes &&
		sizeof(*h->eth) + bytes <= frame_len(f) &&
		(flags & (L4_ACK | L4_SYN | L4_FIN | L4_RST)) == L4_ACK;
}

/* The front that is where it's looked for first: others take the long way. */
static __always_inline __u32
l4_front_at_once(__u32 half, const struct l4_headers *h, __u32 *service)
{
	union l4_addr vip;
	struct l4_front *front;
	__u32 at;

	l4_map4(&vip, h->ip->daddr);
	at = l4_front_hash(&vip, h->tcp->dest, IPPROTO_TCP);
	front = l4_front(half, at);
	if (!front || !at ||
		!l4_front_is(
			front, &vip, h->tcp->dest, IPPROTO_TCP, L4_FRONT_VIP))
		return 0;
	*service = front->service;
	return at;
}

/* The entry of a flow that is established, and its word. */
static __always_inline struct l4_flow *
l4_flow_at_once(const struct l4_headers *h, const struct l4_ctl *ctl,
	__u32 front, __u32 now, __u64 *word)
{
	union l4_addr client;
	struct l4_flow *e;
	struct l4_key k;
	__u64 w;

	l4_map4(&client, h->ip->saddr);
	k.client[0] = client.d[0];
	k.client[1] = client.d[1];
	k.ends = l4_ends(h->tcp->source, h->tcp->dest, front, L4_KIND_FLOW);
	e = l4_lookup_in(ctl, &k);
	w = e ? e->word : 0;
	if (!e || l4_word_state(w) != L4_ESTABLISHED ||
		((__s32)(now - l4_seen(w)) > 0 &&
			now - l4_seen(w) > ctl->timeout[L4_ESTABLISHED]))
		return NULL;
	*word = w;
	return e;
}

static __always_inline bool
l4_open_to(const struct l4_dest *d, __u32 service, __u32 bytes)
{
	__u32 good = L4_DEST_LIVE | L4_DEST_UP;

	return service && d->service == service && (d->flags & good) == good &&
		d->method == L4_ROUTE && bytes <= d->mtu;
}

/* tx_known, and by which interface; or L4_VERDICTS: take the long way. */
static __always_inline enum l4_verdict
l4_shortcut(L4_FRAME *f, const struct l4_ctl *ctl, __u32 cpu, __u32 *out)
{
	__u32 half = ctl->generation & 1, now, front, service = 0, packets;
	struct l4_headers all, *h = &all;
	struct l4_flow *e;
	struct l4_dest *d;
	struct l4_stat *s;
	__u64 w = 0, new;

	if (!l4_headers_of(f, h) || !l4_plain(f, h, ctl->mac))
		return L4_VERDICTS;
	front = l4_front_at_once(half, h, &service);
	if (!front)
		return L4_VERDICTS;
	now = l4_now(ctl);
	e = l4_flow_at_once(h, ctl, front, now, &w);
	d = e ? l4_dest(half, l4_word_dest(w)) : NULL;
	s = e ? at_stats(cpu * L4_DESTS_MAX + l4_word_dest(w)) : NULL;
	if (!d || !s || !l4_open_to(d, service, bpf_ntohs(h->ip->tot_len)))
		return L4_VERDICTS;
	packets = w >> 8 & 255;
	packets += packets < L4_PACKETS_MAX;
	new = l4_word(now, l4_word_dest(w), packets, l4_word_flags(w),
		L4_ESTABLISHED);
	if (new != w)
		__sync_val_compare_and_swap(&e->word, w, new);
	s->in_packets++;
	s->in_bytes += bpf_ntohs(h->ip->tot_len);
	h->ip->check =
		l4_sum_patch(h->ip->check, (__u64)(__u16)~bpf_htons(0x0100));
	h->ip->ttl--;
	l4_set_macs(h->eth, d->mac, ctl->mac);
	*out = d->ifindex;
	return L4_tx_known;
}
