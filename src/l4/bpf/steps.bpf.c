// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* For the benchmark: an established flow's packet on the short cut, as far as
 * a step, so that it can be told what each one costs. */
#include "l4/bpf/run.h"
#include "l4/bpf/rotate.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum step { ROTATE, TALLY, CLOCK, HEADERS, FRONT, HASH, FIND, SEND, ALL };

/* What has been found out goes to memory, or the compiler would leave out how.
 */
static __always_inline int
keep(struct l4_tally *t, __u64 found)
{
	*(volatile __u64 *)&t->scratch = found;
	return XDP_TX;
}

static __always_inline int
find(const struct l4_short *s, struct l4_tally *t, enum step last)
{
	struct l4_flow *e;
	__u32 out = 0;

	if (last == HASH)
		return keep(t, l4_hash(s->ctl, &s->key));
	e = l4_lookup_in(s->ctl, &s->key);
	if (!e)
		return XDP_ABORTED;
	if (last == FIND)
		return keep(t, e->word);
	return l4_send_at_once(s, l4_word_dest(e->word), &out) ? XDP_TX
							       : XDP_ABORTED;
}

static __always_inline int
walk(struct xdp_md *ctx, enum step last)
{
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_short s = {.ctl = ctl};
	struct l4_tally *t;

	if (!ctl || !rotate(ctx, ctl->mac))
		return XDP_ABORTED;
	if (last == ROTATE)
		return XDP_TX;
	if (last == ALL)
		return l4_run(ctx);
	s.cpu = this_cpu();
	s.half = ctl->generation & 1;
	t = at_tallies(s.cpu);
	if (!t)
		return XDP_ABORTED;
	t->verdict[L4_tx_known]++;
	if (last == TALLY)
		return XDP_TX;
	s.now = l4_now(ctl, t);
	if (last == CLOCK)
		return keep(t, s.now);
	if (!l4_headers_of(ctx, &s) || !l4_plain(ctx, &s))
		return XDP_ABORTED;
	if (last == HEADERS)
		return keep(t, s.bytes);
	if (!l4_front_at_once(&s))
		return XDP_ABORTED;
	if (last == FRONT)
		return keep(t, s.service + s.key.ends);
	return find(&s, t, last);
}

#define STEP(name, last)                \
	SEC("xdp")                      \
	int name(struct xdp_md *ctx)    \
	{                               \
		return walk(ctx, last); \
	}
STEP(another_flow, ROTATE)
STEP(tally, TALLY)
STEP(clock_read, CLOCK)
STEP(headers, HEADERS)
STEP(front, FRONT)
STEP(hash, HASH)
STEP(entry_found, FIND)
STEP(sent, SEND)
STEP(whole, ALL)
