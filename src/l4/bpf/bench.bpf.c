// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* What tests/micro/bench_l4.c measures: nothing but two MAC addresses, and the
 * balancer, both on packets of many flows. */
#include "l4/bpf/run.h"
#include "l4/bpf/rotate.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int
empty(struct xdp_md *ctx)
{
	struct l4_ctl *ctl = at_ctl(0);
	struct ethhdr *eth;
	__u8 mac[8] __attribute__((aligned(4)));

	if (!ctl || !rotate(ctx, ctl->mac))
		return XDP_ABORTED;
	eth = frame_at(ctx, 0, sizeof(*eth));
	if (!eth)
		return XDP_ABORTED;
	mac_copy(mac, eth->h_dest);
	mac_copy(eth->h_dest, eth->h_source);
	mac_copy(eth->h_source, mac);
	return XDP_TX;
}

SEC("xdp")
int
balance(struct xdp_md *ctx)
{
	struct l4_ctl *ctl = at_ctl(0);

	if (!ctl || !rotate(ctx, ctl->mac))
		return XDP_ABORTED;
	return l4_run(ctx);
}
