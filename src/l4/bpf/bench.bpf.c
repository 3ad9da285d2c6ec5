// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* What tests/l4/bench.c measures: nothing but two MAC addresses, and the
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
	__u8 mac[ETH_ALEN];

	if (!ctl || !rotate(ctx, ctl->mac))
		return XDP_ABORTED;
	eth = frame_at(ctx, 0, sizeof(*eth));
	if (!eth)
		return XDP_ABORTED;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
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
