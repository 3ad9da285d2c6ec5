#pragma once
/* The program around the packet core, for the balancer and its benchmark. */
#include "l4/core/balance.h"

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

static __always_inline int
l4_run(struct xdp_md *ctx)
{
	__u32 cpu = this_cpu();
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_tally *t = at_tallies(cpu);
	struct l4_job *j;
	enum l4_verdict v;
	int act;

	if (!ctl || !t)
		return XDP_PASS;
	j = l4_job_of(t);
	l4_job_start(j, ctl, cpu);
	v = l4_balance(ctx, j, ctl);
	t->verdict[v & (L4_VERDICTS_MAX - 1)]++;
	act = l4_action(v);
	if (act == XDP_TX && j->out && j->out != ctl->ifindex)
		return (int)bpf_redirect(j->out, 0);
	return act;
}
