// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Steers (steer.h) at tc: always at the park, and at the interface, unless XDP
 * does it there. Its packets may be of any size that the kernel has put
 * together (GRO), and of the next node it need not know the MAC address.
 */
#include "handoff/bpf/steer.h"

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#define AF_INET 2

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 nic = 0, park = 0; /* interfaces */

static __always_inline int
forward(struct packet *p, const struct handoff_flow *f, enum handoff_verdict *v)
{
	struct bpf_redir_neigh next = {
		.nh_family = AF_INET, .ipv4_nh = f->node};

	if (!count_down(p)) {
		*v = HANDOFF_circled;
		return TC_ACT_UNSPEC;
	}
	*v = HANDOFF_forwarded;
	if (!p->v6)
		return (int)bpf_redirect_neigh(nic, &next, sizeof(next), 0);
	address(p, f);
	return (int)bpf_redirect(nic, 0);
}

/* The device goes with its process. Then it's as before the move that can't be
 * completed any more. */
static __always_inline int
keep(struct __sk_buff *skb, struct packet *p, const struct handoff_flow *f,
	enum handoff_verdict *v)
{
	__sync_fetch_and_add(&parked, 1);
	if (bpf_clone_redirect(skb, park, 0) >= 0)
		return TC_ACT_STOLEN;
	*v = HANDOFF_orphaned;
	/* Anew: it may have been moved. */
	if (!f->node || !parse(p, skb->data, skb->data_end))
		return TC_ACT_UNSPEC;
	return forward(p, f, v);
}

SEC("tc")
int
steer_packet(struct __sk_buff *skb)
{
	int action = TC_ACT_UNSPEC; /* other filters may look at it, too */
	enum handoff_verdict v;
	struct handoff_flow *f;
	struct packet p;

	/* A switch may flood; what is for someone else must not go twice. */
	if (skb->pkt_type != PACKET_HOST ||
		!parse(&p, skb->data, skb->data_end))
		return TC_ACT_UNSPEC;
	v = judge(&p, &f);
	if (f && v == HANDOFF_parked)
		action = keep(skb, &p, f, &v);
	else if (f)
		action = forward(&p, f, &v);
	count(v);
	return action;
}
