// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The layer-4 balancer in the kernel: the packet core (l4/core) as an XDP
 * program. What it does, and why, is said there.
 */
#include "l4/core/balance.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int
action(enum l4_verdict verdict)
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

SEC("xdp")
int
balancer(struct xdp_md *ctx)
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
	if (v < L4_VERDICTS_MAX)
		t->verdict[v]++;
	act = action(v);
	if (act == XDP_TX && j->out && j->out != ctl->ifindex)
		return (int)bpf_redirect(j->out, 0);
	return act;
}
