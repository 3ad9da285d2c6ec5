#pragma once
/*
 * TCP as a balancer sees it: IPVS's state machine. With direct routing and
 * tunnels only the client's half of a connection comes by; with NAT both do.
 */
#include "l4/core/flow.h"

enum l4_event { L4_EV_SYN, L4_EV_FIN, L4_EV_ACK, L4_EV_RST, L4_EV_NONE };
/* From here on an entry is not written for each packet any more. */
#define L4_PACKETS_MAX 9

enum l4_way { L4_IN, L4_OUT, L4_IN_ONLY };

/* A row of next states, 4 bits for each present one, in enum's order. */
#define L4_ROW(no, es, ss, sr, fw, tw, cl, cw, la, li, sa)            \
	((__u64)L4_##no | (__u64)L4_##es << 4 | (__u64)L4_##ss << 8 | \
		(__u64)L4_##sr << 12 | (__u64)L4_##fw << 16 |         \
		(__u64)L4_##tw << 20 | (__u64)L4_##cl << 24 |         \
		(__u64)L4_##cw << 28 | (__u64)L4_##la << 32 |         \
		(__u64)L4_##li << 36 | (__u64)L4_##sa << 40)

/* short names for the table */
enum {
	L4_no = L4_NONE,
	L4_es = L4_ESTABLISHED,
	L4_ss = L4_SYN_SENT,
	L4_sr = L4_SYN_RECV,
	L4_fw = L4_FIN_WAIT,
	L4_tw = L4_TIME_WAIT,
	L4_cl = L4_CLOSE,
	L4_cw = L4_CLOSE_WAIT,
	L4_la = L4_LAST_ACK,
	L4_li = L4_LISTEN,
	L4_sa = L4_SYNACK,
};

static __always_inline __u64
l4_row(__u32 way, __u32 event)
{
	switch (way << 2 | event) {
	case L4_IN << 2 | L4_EV_SYN:
	case L4_IN_ONLY << 2 | L4_EV_SYN:
		return L4_ROW(sr, es, es, sr, sr, sr, sr, sr, sr, sr, sr);
	case L4_IN << 2 | L4_EV_FIN:
		return L4_ROW(cl, cw, ss, tw, tw, tw, cl, cw, la, li, tw);
	case L4_IN << 2 | L4_EV_ACK:
	case L4_IN_ONLY << 2 | L4_EV_ACK:
		return L4_ROW(es, es, ss, es, fw, tw, cl, cw, cl, li, es);
	case L4_IN << 2 | L4_EV_RST:
		return L4_ROW(cl, cl, cl, sr, cl, cl, cl, cl, la, li, sr);
	case L4_OUT << 2 | L4_EV_SYN:
		return L4_ROW(ss, es, ss, sr, ss, ss, ss, ss, ss, li, sr);
	case L4_OUT << 2 | L4_EV_FIN:
		return L4_ROW(tw, fw, ss, tw, fw, tw, cl, tw, la, li, tw);
	case L4_OUT << 2 | L4_EV_ACK:
		return L4_ROW(es, es, ss, es, fw, tw, cl, cw, la, es, es);
	case L4_OUT << 2 | L4_EV_RST:
		return L4_ROW(cl, cl, ss, cl, cl, tw, cl, cl, cl, cl, cl);
	case L4_IN_ONLY << 2 | L4_EV_FIN:
		return L4_ROW(cl, fw, ss, tw, fw, tw, cl, cw, la, li, tw);
	default: /* RST, one way */
		return L4_ROW(cl, cl, cl, sr, cl, cl, cl, cl, la, li, cl);
	}
}

static __always_inline enum l4_event
l4_event(__u8 flags)
{
	return flags & L4_RST	 ? L4_EV_RST
		: flags & L4_SYN ? L4_EV_SYN
		: flags & L4_FIN ? L4_EV_FIN
		: flags & L4_ACK ? L4_EV_ACK
				 : L4_EV_NONE;
}

/* The state after a packet that goes this way. */
static __always_inline __u32
l4_next_state(const struct l4_packet *p, __u32 state, __u32 way)
{
	enum l4_event event = l4_event(p->tcp);

	if (p->proto != IPPROTO_TCP)
		return L4_UDP;
	if (event == L4_EV_NONE)
		return L4_CLOSE;
	return l4_row(way, event) >> (4 * (state & 15)) & 15;
}

/* What the client's packet says of how its server does. */
static __always_inline void
l4_notice(const struct l4_packet *p, __u32 dest, __u32 state, __u32 next)
{
	bool again = state == L4_SYN_RECV && l4_event(p->tcp) == L4_EV_SYN;
	bool opened = state == L4_SYN_RECV && next == L4_ESTABLISHED;
	struct l4_count *c;

	if (!again && !opened)
		return;
	c = at_counts(dest);
	if (c && again)
		__sync_fetch_and_add(&c->repeated, 1);
	else if (c)
		__sync_fetch_and_add(&c->opened, 1);
}

/* A packet of the flow came by. */
static __always_inline void
l4_flow_pass(
	struct l4_job *j, struct l4_flow *f, __u64 old, __u32 way, bool count)
{
	__u32 state = l4_word_state(old), flags = l4_word_flags(old);
	__u32 packets = old >> 8 & 255, next;
	struct l4_ctl *ctl = at_ctl(0);
	__u64 new;
	int more;

	if (way == L4_OUT)
		flags |= L4_FLOW_TWO_WAY;
	else if (!(flags & L4_FLOW_TWO_WAY))
		way = L4_IN_ONLY;
	next = l4_next_state(&j->p, state, way);
	if (state == L4_SYN_RECV && way != L4_OUT)
		l4_notice(&j->p, l4_word_dest(old), state, next);
	packets += count && packets < L4_PACKETS_MAX;
	new = l4_word(j->now, l4_word_dest(old), packets, flags, next);
	if (((__u32) new == (__u32)old &&ctl && !l4_stale(ctl, old, j->now)) ||
		__sync_val_compare_and_swap(&f->word, old, new) != old)
		return; /* another CPU's packet is as good as ours */
	more = l4_active(next) - l4_active(state);
	if (more)
		l4_count(j->half, l4_word_dest(old), more, -more);
}
