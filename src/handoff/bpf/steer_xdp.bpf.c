// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Steers (steer.h) at XDP, before the kernel makes an sk_buff of a frame. What
 * is written back to the park meets steer.bpf.c there, with the same maps; and
 * so does what goes to a node whose MAC address was not known: there the kernel
 * asks for it.
 */
#include "handoff/bpf/steer.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Empty as soon as the park's process has ended, and its device with it. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} park SEC(".maps");

static __always_inline bool
is_for_us(const struct packet *p)
{
	bool same = true;

	for (int i = 0; i < ETH_ALEN; i++)
		same &= p->eth->h_dest[i] == nic_mac[i];
	return same;
}

static __always_inline bool
knows_way(const struct handoff_flow *f)
{
	bool any = false;

	for (int i = 0; i < ETH_ALEN; i++)
		any |= f->mac[i] != 0;
	return any;
}

static __always_inline int
forward(struct packet *p, const struct handoff_flow *f, enum handoff_verdict *v)
{
	if (!count_down(p)) {
		*v = HANDOFF_circled;
		return XDP_PASS;
	}
	*v = HANDOFF_forwarded;
	address(p, f);
	return XDP_TX;
}

static __always_inline int
keep(struct packet *p, const struct handoff_flow *f, enum handoff_verdict *v)
{
	int action = (int)bpf_redirect_map(&park, 0, XDP_PASS);

	if (action == XDP_REDIRECT) {
		*v = HANDOFF_parked;
		__sync_fetch_and_add(&parked, 1);
		return action;
	}
	*v = HANDOFF_orphaned;
	return f->node && knows_way(f) ? forward(p, f, v) : XDP_PASS;
}

SEC("xdp")
int
steer_frame(struct xdp_md *ctx)
{
	int action = XDP_PASS;
	enum handoff_verdict v;
	struct handoff_flow *f;
	struct packet p;

	/* A switch may flood; what is for someone else must not go twice. */
	if (!parse(&p, ctx->data, ctx->data_end) || !is_for_us(&p))
		return XDP_PASS;
	v = judge(&p, &f);
	if (f && v == HANDOFF_forwarded && knows_way(f))
		action = forward(&p, f, &v);
	else if (f)
		action = keep(&p, f, &v);
	count(v);
	return action;
}
