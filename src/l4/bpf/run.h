#pragma once
/* The program around the packet core, for the balancer and its benchmark. */
#include "l4/core/shortcut.h"

static __always_inline int
l4_action(enum l4_verdict verdict)
{
	switch (verdict) {
#define VERDICT(name, action, text) \
	case L4_##name:             \
		return XDP_##action;
#include "l4/verdicts.def"
#undef VERDICT
	case L4_VERDICTS: break;
	}
	return XDP_ABORTED;
}

/* Back by the interface that it came by, or by another one. */
static __always_inline int
l4_out(const struct l4_ctl *ctl, __u32 ifindex)
{
	if (ifindex && ifindex != ctl->ifindex)
		return (int)bpf_redirect(ifindex, 0);
	return XDP_TX;
}

static __always_inline int
l4_run(struct xdp_md *ctx)
{
	__u32 cpu = this_cpu();
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_tally *t = at_tallies(cpu);
	enum l4_verdict v;
	struct l4_job *j;
	__u32 out = 0, now;
	int act;

	if (!ctl || !t)
		return XDP_PASS;
	j = l4_job_of(t);
	now = l4_now(ctl, t);
	v = l4_shortcut(ctx, j, ctl, cpu, now, &out);
	if (v == L4_VERDICTS) {
		l4_job_start(j, ctl, cpu, now);
		v = l4_balance(ctx, j, ctl);
		out = j->out;
	}
	t->verdict[v & (L4_VERDICTS_MAX - 1)]++;
	act = v == L4_tx_known ? XDP_TX : l4_action(v);
	return act == XDP_TX ? l4_out(ctl, out) : act;
}
