// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Passes everything. A veth delivers what its peer sends with XDP_TX only when
 * it has an XDP program of its own; this is that program (l4/pass.h).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int
pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
