#pragma once
/*
 * The first packet of a flow: whose it is, and an entry that says so.
 *
 * A flood of SYNs must not cost the flows of others. A packet that begins a
 * flow takes only room that is free or about to be; when there is none, or too
 * many flows begin at once, the flow gets no entry but the destination that its
 * own hash says. Its next packet, which a mere flood does not send, finds no
 * entry, goes by the same hash, and is then remembered (tx_adopted).
 */
#include "l4/core/forward.h"
#include "l4/core/insert.h"

enum l4_how {
	L4_BY_SCHEDULER, /* begins a connection */
	L4_BY_HASH,	 /* middle of a connection we know nothing of */
};

/* Too many flows begin on this CPU. */
static __always_inline bool
l4_flooded(const struct l4_job *j, const struct l4_ctl *ctl, struct l4_tally *t)
{
	if (t->tick != j->now) {
		t->tick = j->now;
		t->begun = 0;
	}
	return t->begun++ >= ctl->new_max;
}

/* --- persistence
 * -------------------------------------------------------------- */

/* The destination that a client's template names; 0: none that can be used. */
static __always_inline __u32
l4_template_dest(struct l4_job *j, struct l4_flow *t)
{
	__u64 w = t->word;
	__u32 dest = l4_word_dest(w);
	struct l4_dest *d = l4_dest(j->half, dest);

	if (!w || w == L4_BUSY)
		return 0;
	if (!l4_expired(j->half, j->now, t, w) && d &&
		(d->flags & L4_DEST_LIVE) && (d->flags & L4_DEST_OPEN) &&
		d->service == j->service &&
		(d->weight || !(j->flags & L4_CTL_EXPIRE_QUIESCENT))) {
		__sync_val_compare_and_swap(
			&t->word, w, (__u64)j->now << 32 | (w & 0xffffffff));
		return dest;
	}
	l4_flow_end(j->half, t, w);
	return 0;
}

/* By the client's template, or by the scheduler, and then there is one. */
L4_STEP int
l4_choose_persistent(
	struct l4_job *j, struct l4_service *s, const struct l4_key *flow)
{
	struct l4_flow *t;
	struct l4_count *c;
	__u32 dest = 0;

	if (!j || !s || !flow)
		return 0;
	l4_template_key(j->half, s, flow, &j->other);
	t = l4_lookup(&j->other);
	if (t)
		dest = l4_template_dest(j, t);
	if (dest)
		return dest;
	dest = l4_choose(j, s);
	if (!dest)
		return 0;
	c = l4_flow_add(j, &j->other, (__u64)j->now << 32 | (__u64)dest << 16,
		    L4_RANK_CLOSING)
		? at_counts(dest)
		: NULL;
	if (c)
		__sync_fetch_and_add(&c->templates, 1);
	return dest;
}

/* The template stays while the flow lasts. False: there is none. */
static __always_inline bool
l4_template_hold(struct l4_job *j, struct l4_service *s,
	const struct l4_key *flow, __u32 dest)
{
	struct l4_flow *t;
	__u64 w;

	if (!(s->flags & L4_PERSISTENT))
		return false;
	l4_template_key(j->half, s, flow, &j->other);
	t = l4_lookup(&j->other);
	w = t ? t->word : 0;
	return t && l4_word_dest(w) == dest && (w & 0xffff) != 0xffff &&
		__sync_val_compare_and_swap(&t->word, w, w + 1) == w;
}

/* --- NAT
 * ------------------------------------------------------------------------ */

/* The number of the MAC address that the packet came from, + 1; 0: no room. */
static __always_inline __u32
l4_hop_of(L4_FRAME *f)
{
	struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
	__u64 mac = 1;
	__u32 start;

	if (!eth)
		return 0;
	for (int i = 0; i < ETH_ALEN; i++)
		mac |= (__u64)eth->h_source[i] << (16 + 8 * i);
	start = (__u32)(mac * 0x9e3779b97f4a7c15ull >> 40);
	for (__u32 i = 0; i < L4_HOP_WAYS; i++) {
		__u32 at = (start + i) % L4_HOPS_MAX;
		struct l4_hop *h = at_hops(at);

		if (!h)
			return 0;
		if (!h->mac)
			__sync_val_compare_and_swap(&h->mac, 0, mac);
		if (h->mac == mac)
			return at + 1;
	}
	return 0;
}

/* The entry by which the server's replies are known. There may be one of an
 * earlier flow, which was to another end, or came by another hop. */
static __always_inline bool
l4_expect_reply(L4_FRAME *f, struct l4_job *j, const struct l4_key *flow,
	const struct l4_dest *d)
{
	__u32 hop = l4_hop_of(f);
	struct l4_key *k = &j->other;
	struct l4_flow *e;
	__u64 old, new;

	if (!hop)
		return false;
	new = 1ull << 63 | (__u64)hop << 32 | (__u64)j->front << 16 |
		j->p.dport;
	k->client[0] = flow->client[0];
	k->client[1] = flow->client[1];
	k->ends = l4_ends(j->p.sport, l4_server_port(d, j->p.dport), d->front,
		L4_KIND_REPLY);
	e = l4_lookup(k);
	if (!e)
		return l4_flow_add(j, k, new, L4_RANK_CLOSING);
	old = e->word;
	return old == new ||
		(old && old != L4_BUSY &&
			__sync_val_compare_and_swap(&e->word, old, new) == old);
}

/* --- all
 * ------------------------------------------------------------------------ */

static __always_inline void
l4_stat_begin(const struct l4_job *j)
{
	struct l4_stat *s = at_stats(j->cpu * L4_DESTS_MAX + j->dest);

	if (s)
		s->connections++;
}

/* An entry for the flow j->key, which goes to d, j->dest. False: there's no
 * room. */
static __always_inline bool
l4_remember(struct l4_job *j, struct l4_service *s, const struct l4_dest *d,
	enum l4_how how, const struct l4_ctl *ctl, struct l4_tally *t)
{
	__u32 way = d->method == L4_MASQ ? L4_IN : L4_IN_ONLY;
	__u32 state = l4_next_state(&j->p, L4_NONE, way);
	__u32 rank = how == L4_BY_HASH ? L4_RANK_HALF_OPEN : L4_RANK_CLOSING;
	bool active = l4_active(state), held;
	struct l4_count *c = at_counts(j->dest);

	if (!c)
		return false;
	held = l4_template_hold(j, s, &j->key, j->dest);
	if (!l4_flow_add_near(j, ctl, t,
		    l4_word(j->now, j->dest, 1, held ? L4_FLOW_TEMPLATED : 0,
			    state),
		    rank)) {
		if (held)
			l4_template_release(j->half, &j->key);
		return false;
	}
	l4_count_for(j->half, s, d, c, active, !active);
	return true;
}

/* Sets j->dest for a flow that has no entry, and makes one. */
L4_STEP int
l4_begin(
	L4_FRAME *f, struct l4_job *j, enum l4_how how, enum l4_verdict verdict)
{
	struct l4_service *s;
	struct l4_tally *t;
	struct l4_dest *d;
	struct l4_ctl *ctl = at_ctl(0);
	bool one, flood;

	s = j ? l4_service(j->half, j->service) : NULL;
	t = j ? at_tallies(j->cpu) : NULL;
	if (!s || !t || !ctl)
		return L4_pass_no_service;
	one = (s->flags & L4_ONE_PACKET) && j->p.proto == IPPROTO_UDP;
	flood = !one && how == L4_BY_SCHEDULER && l4_flooded(j, ctl, t);
	if (s->flags & L4_PERSISTENT)
		j->dest = l4_choose_persistent(j, s, &j->key);
	else if (flood || how == L4_BY_HASH)
		j->dest = l4_choose_spare(j, s);
	else
		j->dest = l4_choose_now(j, s);
	d = j->dest ? l4_dest(j->half, j->dest) : NULL;
	if (!d)
		return L4_drop_no_node;
	l4_stat_begin(j);
	if (one && d->method != L4_MASQ)
		return L4_tx_one_packet;
	if ((!flood || d->method == L4_MASQ) &&
		l4_remember(j, s, d, how, ctl, t))
		return d->method != L4_MASQ || l4_expect_reply(f, j, &j->key, d)
			? verdict
			: L4_drop_nat_room;
	if (d->method == L4_MASQ)
		return L4_drop_nat_room;
	if (!flood && !(s->flags & L4_PERSISTENT))
		j->dest = l4_choose_spare(j, s);
	return j->dest ? L4_tx_untracked : L4_drop_no_node;
}
