// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Gives a connection that was moved here the congestion window that it had:
 * when its socket has been put together, and before it has sent anything. There
 * is no socket option for that.
 */
#include "handoff/abi.h"

#include <linux/bpf.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TCP_BPF_IW 1001
#define SOL_TCP 6

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 vip = 0;
const volatile __u16 vip_port = 0; /* host order */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HANDOFF_WINDOWS_MAX);
	__type(key, struct handoff_key);
	__type(value, __u32);
} windows SEC(".maps");

SEC("sockops")
int
restore_window(struct bpf_sock_ops *ops)
{
	struct handoff_key key = {};
	__u32 *cwnd;
	int n;

	if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
		ops->family != 2 /* AF_INET */ || ops->local_ip4 != vip ||
		ops->local_port != vip_port)
		return 1;
	key.client = ops->remote_ip4;
	key.port = (__u16)(ops->remote_port >> 16);
	cwnd = bpf_map_lookup_elem(&windows, &key);
	if (!cwnd)
		return 1;
	n = (int)*cwnd;
	bpf_setsockopt(ops, SOL_TCP, TCP_BPF_IW, &n, sizeof(n));
	return 1;
}
