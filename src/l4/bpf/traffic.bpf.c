// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * For the benchmark: the two ends of a wire. `send`, run with
 * BPF_F_TEST_XDP_LIVE_FRAMES, puts frames onto an interface as a driver hands
 * them over, without the sk_buff that a socket would make of each; `swallow`
 * is at the end of what is forwarded.
 */
#include "l4/bpf/traffic.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct traffic traffic;

SEC("xdp")
int
send(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	if (data + TRAFFIC_HEADERS > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	traffic_next(&traffic, data);
	return (int)bpf_redirect(traffic.ifindex, 0);
}

SEC("xdp")
int
swallow(struct xdp_md *ctx)
{
	return XDP_DROP;
}
