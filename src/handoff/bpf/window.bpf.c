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
#include <stdbool.h>

#define TCP_BPF_IW 1001
#define SOL_TCP 6
#define AF_INET 2
#define AF_INET6 10

/* For the verifier: the compiler is not to work out a pointer into the context
 * for either family, and read by it. */
#define APART() __asm__ volatile("" ::: "memory")

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 vip = 0, vip6[4] = {}; /* 0: none */
const volatile __u16 vip_port = 0;	    /* host order */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HANDOFF_WINDOWS_MAX);
	__type(key, struct handoff_key);
	__type(value, __u32);
} windows SEC(".maps");

static __always_inline bool
is_ours(struct bpf_sock_ops *ops)
{
	if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
		ops->local_port != vip_port)
		return false;
	if (ops->family == AF_INET)
		return ops->local_ip4 == vip;
	return ops->family == AF_INET6 && ops->local_ip6[0] == vip6[0] &&
		ops->local_ip6[1] == vip6[1] && ops->local_ip6[2] == vip6[2] &&
		ops->local_ip6[3] == vip6[3];
}

SEC("sockops")
int
restore_window(struct bpf_sock_ops *ops)
{
	struct handoff_key key = {};
	__u32 *cwnd;
	int n;

	if (!is_ours(ops))
		return 1;
	if (ops->family == AF_INET) {
		key.client[2] = bpf_htonl(0xffff);
		key.client[3] = ops->remote_ip4;
		APART();
	} else {
		key.client[0] = ops->remote_ip6[0];
		key.client[1] = ops->remote_ip6[1];
		key.client[2] = ops->remote_ip6[2];
		key.client[3] = ops->remote_ip6[3];
		APART();
	}
	key.port = (__u16)(ops->remote_port >> 16);
	cwnd = bpf_map_lookup_elem(&windows, &key);
	if (!cwnd)
		return 1;
	n = (int)*cwnd;
	bpf_setsockopt(ops, SOL_TCP, TCP_BPF_IW, &n, sizeof(n));
	return 1;
}
