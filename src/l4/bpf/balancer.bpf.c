// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The layer-4 balancer in the kernel: the packet core (l4/core) as an XDP
 * program. What it does, and why, is said there.
 */
#include "l4/bpf/run.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int
balancer(struct xdp_md *ctx)
{
	return l4_run(ctx);
}
