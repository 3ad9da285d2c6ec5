// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* For the benchmark: the balancer with its flows in the kernel's LRU hash in
 * place of its own table. */
#define l4_lookup l4_lookup_own
#define l4_lookup_in l4_lookup_in_own
#define l4_flow_add l4_flow_add_own
#define l4_flow_add_near l4_flow_add_near_own
#include "l4/core/insert.h"
#undef l4_lookup
#undef l4_lookup_in
#undef l4_flow_add
#undef l4_flow_add_near

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 21);
	__type(key, struct l4_key);
	__type(value, struct l4_flow);
} lru SEC(".maps");

static __always_inline struct l4_flow *
l4_lookup(const struct l4_key *k)
{
	return bpf_map_lookup_elem(&lru, k);
}

static __always_inline struct l4_flow *
l4_lookup_in(const struct l4_ctl *ctl, const struct l4_key *k)
{
	return l4_lookup(k);
}

static __always_inline int
l4_flow_add(struct l4_job *j, const struct l4_key *k, __u64 word, __u32 rank)
{
	struct l4_flow f = {.key = *k, .word = word};

	return bpf_map_update_elem(&lru, k, &f, BPF_ANY) == 0;
}

static __always_inline bool
l4_flow_add_near(struct l4_job *j, const struct l4_ctl *ctl, struct l4_tally *t,
	__u64 word, __u32 rank)
{
	return l4_flow_add(j, &j->key, word, rank);
}

#include "l4/bpf/run.h"
#include "l4/bpf/rotate.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int
balance_lru(struct xdp_md *ctx)
{
	struct l4_ctl *ctl = at_ctl(0);

	if (!ctl || !rotate(ctx, ctl->mac))
		return XDP_ABORTED;
	return l4_run(ctx);
}
