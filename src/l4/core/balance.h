#pragma once
/*
 * The layer-4 balancer's way with a packet, from frame to verdict. What is not
 * for a service passes; what is, goes to the destination of its flow.
 */
#include "l4/core/begin.h"

/* --- which service
 * ------------------------------------------------------------ */

/* Sets j->front and j->service for a packet to this end. */
static __always_inline bool
l4_find_service(
	struct l4_job *j, const union l4_addr *a, __u32 port, __u32 proto)
{
	__u32 i = l4_front_find(j->half, a, port, proto, L4_FRONT_VIP);
	struct l4_front *front;

	if (!i && (j->has & L4_HAS_ANY_PORT))
		i = l4_front_find(j->half, a, 0, proto, L4_FRONT_VIP);
	front = i ? l4_front(j->half, i) : NULL;
	if (!front || !front->service)
		return false;
	j->front = i;
	j->service = front->service;
	return true;
}

static __always_inline void
l4_flow_key(const struct l4_job *j, const union l4_addr *client, __u32 cport,
	__u32 port, struct l4_key *k)
{
	k->client[0] = client->d[0];
	k->client[1] = client->d[1];
	k->ends = l4_ends(cport, port, j->front, L4_KIND_FLOW);
}

/* --- fragments
 * ------------------------------------------------------------------ */

/* Fragments of one datagram, by the front of the address as such. */
static __always_inline bool
l4_fragment_key(const struct l4_job *j, struct l4_key *k)
{
	__u32 front =
		l4_front_find(j->half, &j->p.dst, 0, j->p.proto, L4_FRONT_VIP);

	k->client[0] = j->p.src.d[0];
	k->client[1] = j->p.src.d[1];
	k->ends = l4_ends(
		j->p.id & 0xffff, j->p.id >> 16, front, L4_KIND_FRAGMENT);
	return front;
}

/* The first fragment says where the others go. */
L4_STEP int
l4_fragment_first(struct l4_job *j)
{
	struct l4_flow *e;
	__u64 w;

	if (!j)
		return false;
	w = l4_word(j->now, j->dest, 0, 0, L4_FRAGMENT);
	if (!l4_fragment_key(j, &j->other))
		return false;
	e = l4_lookup(&j->other);
	if (e)
		l4_flow_end(j->half, e, e->word);
	return l4_flow_add(j, &j->other, w, L4_RANK_CLOSING);
}

L4_STEP int
l4_fragment_later(L4_FRAME *f, struct l4_job *j)
{
	struct l4_flow *e;
	__u64 w;

	if (!j)
		return L4_pass_no_service;
	if (!l4_fragment_key(j, &j->other))
		return L4_VERDICTS;
	e = l4_lookup(&j->other);
	w = e ? e->word : 0;
	if (!w || w == L4_BUSY || l4_expired(j->half, j->now, e, w))
		return L4_drop_fragment_lost;
	j->dest = l4_word_dest(w);
	return l4_forward(f, j, L4_tx_fragment);
}

/* --- NAT: what servers send
 * ------------------------------------------------------- */

/* A packet from the end of a NAT server to a client: the flow it belongs to,
 * and the end that the client knows, in *r. A verdict, or L4_VERDICTS. */
static __always_inline enum l4_verdict
l4_reply_flow(struct l4_job *j, const union l4_addr *client, __u32 cport,
	__u32 *hop, struct l4_flow **flow)
{
	struct l4_rewrite *r = &j->rewrite;
	struct l4_key *k = &j->key;
	__u32 real = l4_front_find(
		j->half, &r->from, r->from_port, j->p.proto, L4_FRONT_REAL);
	struct l4_flow *e;
	struct l4_front *vip;
	__u64 w;

	if (!real)
		real = l4_front_find(
			j->half, &r->from, 0, j->p.proto, L4_FRONT_REAL);
	if (!real)
		return L4_pass_no_service;
	k->client[0] = client->d[0];
	k->client[1] = client->d[1];
	k->ends = l4_ends(cport, r->from_port, real, L4_KIND_REPLY);
	e = l4_lookup(k);
	w = e ? e->word : 0;
	vip = w ? l4_front(j->half, l4_word_dest(w)) : NULL;
	if (!vip || w == L4_BUSY)
		return L4_pass_no_service;
	*hop = w >> 32 & 0xffff;
	j->front = l4_word_dest(w);
	r->to = vip->addr;
	r->to_port = w & 0xffff;
	r->source = true;
	l4_flow_key(j, client, cport, r->to_port, k);
	e = l4_lookup(k);
	w = e ? e->word : 0;
	if (!w || w == L4_BUSY || l4_expired(j->half, j->now, e, w))
		return L4_drop_reply_unknown;
	*flow = e;
	return L4_VERDICTS;
}

static __always_inline enum l4_verdict
l4_send_hop(L4_FRAME *f, struct l4_job *j, __u32 hop, enum l4_verdict verdict)
{
	struct l4_hop *h = hop ? at_hops(hop - 1) : NULL;
	struct l4_ctl *ctl = at_ctl(0);
	struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
	__u8 mac[ETH_ALEN] __attribute__((aligned(2)));

	if (!h || !ctl || !eth)
		return L4_drop_reply_hop;
	for (int i = 0; i < ETH_ALEN; i++)
		mac[i] = (__u8)(h->mac >> (16 + 8 * i));
	l4_set_macs(eth, mac, ctl->mac);
	return verdict;
}

static __always_inline void
l4_stat_out(const struct l4_job *j)
{
	struct l4_stat *s = at_stats(j->cpu * L4_DESTS_MAX + j->dest);

	if (s) {
		s->out_packets++;
		s->out_bytes += j->p.bytes;
	}
}

/* Fragments of one datagram of a server to a client. IPv6's addresses are
 * folded; only of known servers is there an entry. */
static __always_inline void
l4_reply_fragment_key(const struct l4_job *j, struct l4_key *k)
{
	const union l4_addr *a = &j->p.src, *b = &j->p.dst;

	k->client[0] = a->d[1] ^ a->d[0] * 0x9e3779b97f4a7c15ull;
	k->client[1] = b->d[1] ^ b->d[0] * 0x9e3779b97f4a7c15ull;
	k->ends = l4_ends(j->p.id & 0xffff, j->p.id >> 16, j->p.proto,
		L4_KIND_REPLY_FRAGMENT);
}

/* What the others need, which have no ports: the end that the client knows, by
 * whom it is reached, and whose they are. */
L4_STEP int
l4_reply_fragment_first(struct l4_job *j, __u32 hop)
{
	struct l4_flow *e;

	if (!j)
		return false;
	l4_reply_fragment_key(j, &j->other);
	e = l4_lookup(&j->other);
	if (e)
		l4_flow_end(j->half, e, e->word);
	return l4_flow_add(j, &j->other,
		(__u64)(j->now & 0xffff) << 48 | (__u64)(hop & 0xffff) << 32 |
			(__u64)(j->dest & 0xffff) << 16 | (j->front & 0xffff),
		L4_RANK_CLOSING);
}

L4_STEP int
l4_reply_fragment_later(L4_FRAME *f, struct l4_job *j)
{
	struct l4_front *vip;
	struct l4_flow *e;
	__u64 w;

	if (!j)
		return L4_pass_no_service;
	l4_reply_fragment_key(j, &j->other);
	e = l4_lookup(&j->other);
	w = e ? e->word : 0;
	if (!w || w == L4_BUSY || l4_expired(j->half, j->now, e, w))
		return L4_pass_no_service;
	vip = l4_front(j->half, w & 0xffff);
	if (!vip)
		return L4_pass_no_service;
	j->dest = l4_word_dest(w);
	j->rewrite.from = j->p.src;
	j->rewrite.to = vip->addr;
	j->rewrite.source = true;
	if (j->p.ttl <= 1)
		return L4_drop_ttl;
	l4_stat_out(j);
	if (!l4_count_hop(f, &j->p) || !l4_rewrite(f, &j->p, &j->rewrite))
		return L4_drop_headroom;
	return l4_send_hop(f, j, w >> 32 & 0xffff, L4_tx_reply);
}

L4_STEP int
l4_reply(L4_FRAME *f, struct l4_job *j)
{
	struct l4_flow *flow = NULL;
	enum l4_verdict v;
	__u32 hop = 0;

	if (!j)
		return L4_pass_no_service;
	j->rewrite.from = j->p.src;
	j->rewrite.from_port = j->p.sport;
	v = l4_reply_flow(j, &j->p.dst, j->p.dport, &hop, &flow);
	if (v != L4_VERDICTS)
		return v;
	j->dest = l4_word_dest(flow->word);
	if (j->p.ttl <= 1)
		return L4_drop_ttl;
	if (j->p.fragment == L4_FIRST && !l4_reply_fragment_first(j, hop))
		return L4_drop_fragment_room;
	l4_flow_pass(j, flow, flow->word, L4_OUT, true);
	l4_stat_out(j);
	if (!l4_count_hop(f, &j->p) || !l4_rewrite(f, &j->p, &j->rewrite))
		return L4_drop_headroom;
	return l4_send_hop(f, j, hop, L4_tx_reply);
}

/* --- ICMP errors
 * ------------------------------------------------------------------ */

static __always_inline bool
l4_icmp_is_error(const struct l4_packet *p)
{
	if (p->family == 4)
		return p->icmp == L4_UNREACHABLE || p->icmp == L4_QUENCH ||
			p->icmp == L4_TIME_EXCEEDED || p->icmp == L4_PARAMETER;
	return p->icmp >= L4_UNREACHABLE6 && p->icmp <= L4_PARAMETER6;
}

/* The packet that the error quotes. */
static __always_inline bool
l4_parse_quoted(L4_FRAME *f, const struct l4_packet *p, struct l4_packet *in)
{
	__u32 off = (p->off & L4_OFF_MASK) + 8;
	enum l4_verdict v = p->family == 4 ? l4_parse_ip4(f, off, true, in)
					   : l4_parse_ip6(f, off, true, in);
	__u16 *ports;

	if (v != L4_VERDICTS || in->fragment == L4_LATER ||
		(in->proto != IPPROTO_TCP && in->proto != IPPROTO_UDP))
		return false;
	ports = frame_at(f, in->off & L4_OFF_MASK, 8);
	if (!ports)
		return false;
	in->sport = ports[0];
	in->dport = ports[1];
	return true;
}

/* To a NAT server: the error is about what it sent, which it knows by its own
 * address. */
L4_STEP int
l4_icmp_nat(L4_FRAME *f, struct l4_job *j)
{
	struct l4_dest *d = j ? l4_dest(j->half, j->dest) : NULL;

	if (!d || !(d->flags & L4_DEST_UP))
		return L4_drop_unreachable;
	if (j->p.ttl <= 1)
		return L4_drop_ttl;
	l4_to_server(j, d, j->quoted.sport, &j->rewrite);
	if (!l4_count_hop(f, &j->p) ||
		!l4_rewrite_icmp(f, &j->p, &j->quoted, &j->rewrite))
		return L4_drop_headroom;
	l4_stat_in(j);
	return l4_send_to(f, j, d) ? L4_tx_icmp : L4_drop_headroom;
}

/* From a NAT server, about what a client sent. */
L4_STEP int
l4_icmp_reply(L4_FRAME *f, struct l4_job *j)
{
	struct l4_flow *flow = NULL;
	enum l4_verdict v;
	__u32 hop = 0;
	__u8 proto;

	if (!j)
		return L4_pass_icmp_unknown;
	proto = j->p.proto;
	j->rewrite.from = j->quoted.dst;
	j->rewrite.from_port = j->quoted.dport;
	if (!l4_same(&j->p.src, &j->quoted.dst))
		return L4_pass_icmp_unknown;
	j->p.proto = j->quoted.proto;
	v = l4_reply_flow(j, &j->quoted.src, j->quoted.sport, &hop, &flow);
	j->p.proto = proto;
	if (v != L4_VERDICTS)
		return L4_pass_icmp_unknown;
	j->dest = l4_word_dest(flow->word);
	if (j->p.ttl <= 1)
		return L4_drop_ttl;
	if (!l4_count_hop(f, &j->p) ||
		!l4_rewrite_icmp(f, &j->p, &j->quoted, &j->rewrite))
		return L4_drop_headroom;
	l4_stat_out(j);
	return l4_send_hop(f, j, hop, L4_tx_icmp_reply);
}

/* To where the flow goes of which the quoted packet is the other way. */
L4_STEP int
l4_icmp(L4_FRAME *f, struct l4_job *j)
{
	struct l4_packet *in;
	struct l4_service *s;
	struct l4_flow *e;
	struct l4_dest *d;
	__u64 w;

	if (!j || !l4_icmp_is_error(&j->p))
		return L4_pass_protocol;
	in = &j->quoted;
	__builtin_memset(in, 0, sizeof(*in));
	if (j->p.fragment != L4_WHOLE || !l4_parse_quoted(f, &j->p, in))
		return L4_pass_icmp_unknown;
	if (!l4_same(&in->src, &j->p.dst) ||
		!l4_find_service(j, &in->src, in->sport, in->proto)) {
		if (j->has & L4_HAS_NAT)
			return l4_icmp_reply(f, j);
		return L4_pass_icmp_unknown;
	}
	l4_flow_key(j, &in->dst, in->dport, in->sport, &j->key);
	e = l4_lookup(&j->key);
	w = e ? e->word : 0;
	if (w && w != L4_BUSY && !l4_expired(j->half, j->now, e, w)) {
		j->dest = l4_word_dest(w);
	} else {
		s = l4_service(j->half, j->service);
		j->p.src = in->dst;
		j->p.sport = in->dport;
		j->dest = s ? l4_choose_spare(j, s) : 0;
	}
	d = j->dest ? l4_dest(j->half, j->dest) : NULL;
	if (!d)
		return L4_pass_icmp_unknown;
	if (d->method == L4_MASQ)
		return l4_icmp_nat(f, j);
	return l4_forward(f, j, L4_tx_icmp);
}

/* --- flows
 * ---------------------------------------------------------------------- */

static __always_inline bool
l4_opens(const struct l4_packet *p)
{
	return (p->tcp & (L4_SYN | L4_ACK | L4_RST)) == L4_SYN;
}

/* States in which the client may use its port for another connection. */
static __always_inline bool
l4_closing(__u32 state)
{
	return (1u << L4_FIN_WAIT | 1u << L4_TIME_WAIT | 1u << L4_CLOSE |
		       1u << L4_CLOSE_WAIT | 1u << L4_LAST_ACK) >>
		state &
		1;
}

/*
 * The packet of a flow that has an entry: sets j->dest. Or L4_VERDICTS, when
 * the entry does not count and the flow is to begin anew as *how says:
 * - a SYN that uses the ports of a connection that ended is a new connection;
 * - the flow of a node that is lost goes to another, which answers RST, and
 *   the client tries again instead of waiting for ever. One that is down but
 *   there keeps its flows: its kernel says which have ended, and forwards those
 *   that have moved; but a SYN goes elsewhere, whatever we took its flow for;
 * - that of a node that was removed waits: it may come back.
 */
static __always_inline enum l4_verdict
l4_follow(struct l4_job *j, struct l4_flow *e, __u64 w, enum l4_verdict *why)
{
	__u32 dest = l4_word_dest(w);
	struct l4_dest *d = l4_dest(j->half, dest);

	if (j->p.proto == IPPROTO_TCP && l4_opens(&j->p) &&
		l4_closing(l4_word_state(w)))
		return L4_VERDICTS;
	if (d && !(d->flags & L4_DEST_OPEN) && d->method != L4_LOCAL &&
		j->p.proto == IPPROTO_TCP && l4_opens(&j->p))
		return L4_VERDICTS;
	/* left by a service that was here before */
	if (d && (d->flags & L4_DEST_LIVE) && d->service != j->service)
		return L4_VERDICTS;
	if (!d || !(d->flags & L4_DEST_LIVE)) {
		*why = L4_tx_moved;
		return j->flags & L4_CTL_EXPIRE_NODEST ? L4_VERDICTS
						       : L4_drop_removed;
	}
	if (!(d->flags & L4_DEST_UP) && d->method != L4_LOCAL) {
		*why = L4_tx_moved;
		return j->p.tcp & L4_RST ? L4_drop_stray_rst : L4_VERDICTS;
	}
	j->dest = dest;
	l4_flow_pass(j, e, w, L4_IN, true);
	return L4_tx_known;
}

static __always_inline enum l4_verdict
l4_find_dest(L4_FRAME *f, struct l4_job *j)
{
	struct l4_key *k = &j->key;
	struct l4_flow *e;
	enum l4_verdict v = L4_VERDICTS, why = L4_tx_new;
	enum l4_how how = L4_BY_SCHEDULER;
	__u64 w;

	l4_flow_key(j, &j->p.src, j->p.sport, j->p.dport, k);
	e = l4_lookup(k);
	w = e ? e->word : 0;
	if (w && w != L4_BUSY && !l4_expired(j->half, j->now, e, w)) {
		v = l4_follow(j, e, w, &why);
		if (v != L4_VERDICTS)
			return v;
	} else if (j->p.proto == IPPROTO_TCP && !l4_opens(&j->p)) {
		if (j->p.tcp & L4_RST)
			return L4_drop_stray_rst;
		why = L4_tx_adopted;
		how = L4_BY_HASH;
	}
	if (e && w)
		l4_flow_end(j->half, e, w);
	return (enum l4_verdict)l4_begin(f, j, how, why);
}

static __always_inline enum l4_verdict
l4_service_packet(L4_FRAME *f, struct l4_job *j)
{
	enum l4_verdict v = l4_find_dest(f, j);

	if (!j->dest || v == L4_drop_nat_room)
		return v;
	if (j->p.fragment == L4_FIRST && !l4_fragment_first(j))
		return L4_drop_fragment_room;
	return l4_forward(f, j, v);
}

/* Parses, and does all that the verdict says but the sending. */
static __always_inline enum l4_verdict
l4_balance(L4_FRAME *f, struct l4_job *j, const struct l4_ctl *ctl)
{
	enum l4_verdict v;

	__builtin_memset(&j->p, 0, sizeof(j->p));
	v = l4_parse(f, ctl->mac, &j->p);
	if (v != L4_VERDICTS)
		return v;
	if (j->p.fragment == L4_LATER) {
		v = (enum l4_verdict)l4_fragment_later(f, j);
		if (v != L4_VERDICTS)
			return v;
		return j->has & L4_HAS_NAT
			? (enum l4_verdict)l4_reply_fragment_later(f, j)
			: L4_pass_no_service;
	}
	if (j->p.icmp || j->p.proto == IPPROTO_ICMP ||
		j->p.proto == IPPROTO_ICMPV6)
		return (enum l4_verdict)l4_icmp(f, j);
	if (l4_find_service(j, &j->p.dst, j->p.dport, j->p.proto))
		return l4_service_packet(f, j);
	if (j->has & L4_HAS_NAT)
		return (enum l4_verdict)l4_reply(f, j);
	return L4_pass_no_service;
}
