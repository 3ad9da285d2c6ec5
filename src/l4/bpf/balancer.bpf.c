// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The layer-4 balancer: direct routing. A TCP segment for a service gets the
 * MAC address of the node chosen for its connection and goes out again where
 * it came in (XDP_TX); the node has the VIP on its loopback and answers the
 * client directly. Nothing above Ethernet is touched: balancer and nodes are
 * on one segment and the balancer acts as a bridge there, so the TTL is not
 * counted down and no checksum changes.
 *
 * Round robin per connection. The connection table is an LRU hash for now. It
 * evicts silently, and so could not keep the count of open connections that
 * least-connection scheduling needs, and it makes no difference between a
 * half-open flow of a SYN flood and an established one; a bucketed table in
 * an array, whose eviction is our own code, will replace it.
 *
 * Not done: ICMP errors about a service's connections are left to this
 * machine's own stack and so do not reach the node.
 */
#include "l4/bpf/parse.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u8 own_mac[ETH_ALEN] = {0};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, L4_SERVICES_MAX * 2);
	__type(key, struct l4_service_key);
	__type(value, struct l4_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, L4_SERVICES_MAX * 2);
	__type(key, __u32);
	__type(value, struct l4_list);
} lists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, L4_SERVICES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} turns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, L4_DESTS_MAX);
	__type(key, __u32);
	__type(value, struct l4_dest);
} dests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, L4_DESTS_MAX);
	__type(key, __u32);
	__type(value, struct l4_dest_count);
} dest_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 18);
	__type(key, struct l4_flow_key);
	__type(value, struct l4_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, L4_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

static __always_inline struct l4_service *
find_service(const struct l4_packet *p)
{
	struct l4_service_key key = {
		.vip = p->flow.vip,
		.port = p->flow.port, /* 0 in a fragment */
		.proto = p->flow.proto,
	};

	return bpf_map_lookup_elem(&services, &key);
}

/* The destination whose turn it is. False: there is none. */
static __always_inline bool
next_dest(const struct l4_service *s, __u32 *dest)
{
	__u32 id = s->id, slot = id * 2 + s->generation % 2;
	struct l4_list *list = bpf_map_lookup_elem(&lists, &slot);
	__u32 *turn = bpf_map_lookup_elem(&turns, &id);
	__u32 i;

	if (!list || !turn || !list->n)
		return false;
	i = __sync_fetch_and_add(turn, 1) % list->n;
	if (i >= L4_DESTS_MAX)
		return false;
	*dest = list->dest[i];
	return true;
}

/* Gives the flow to the next destination and remembers that. */
static __always_inline enum l4_verdict
schedule(const struct l4_packet *p, const struct l4_service *s,
	enum l4_verdict why, __u32 *dest)
{
	struct l4_flow flow = {.closing = p->fin};
	struct l4_dest_count *count;

	if (!next_dest(s, &flow.dest))
		return L4_drop_no_node;
	if (bpf_map_update_elem(&flows, &p->flow, &flow, BPF_ANY))
		return L4_drop_no_room;
	count = bpf_map_lookup_elem(&dest_count, &flow.dest);
	if (count)
		count->connections++;
	*dest = flow.dest;
	return why;
}

static __always_inline bool
dest_is_up(__u32 dest)
{
	struct l4_dest *d = bpf_map_lookup_elem(&dests, &dest);

	return d && (d->flags & L4_DEST_UP);
}

/*
 * The destination of a segment: a TX verdict and *dest, or a DROP verdict.
 * - A SYN again (the answer was lost) stays with its node; a SYN that reuses
 *   the ports of a connection that ended is a new connection.
 * - In the middle of a flow of which no living node knows, any node will do:
 *   it answers RST, and the client tries again instead of waiting for ever.
 */
static __always_inline enum l4_verdict
find_dest(const struct l4_packet *p, const struct l4_service *s, __u32 *dest)
{
	struct l4_flow *flow = bpf_map_lookup_elem(&flows, &p->flow);

	if (p->syn && (!flow || flow->closing))
		return schedule(p, s, L4_tx_new, dest);
	if (flow && dest_is_up(flow->dest)) {
		if (p->fin || p->rst)
			flow->closing = 1;
		*dest = flow->dest;
		return L4_tx_known;
	}
	if (p->rst)
		return L4_drop_stray_rst;
	return schedule(p, s, flow ? L4_tx_moved : L4_tx_adopted, dest);
}

static __always_inline void
readdress(struct ethhdr *eth, const struct l4_dest *d)
{
	for (int i = 0; i < ETH_ALEN; i++) {
		eth->h_dest[i] = d->mac[i];
		/* The client's own MAC here would teach the switch that the
		 * client is behind our port. */
		eth->h_source[i] = own_mac[i];
	}
}

static __always_inline enum l4_verdict
forward(const struct l4_packet *p, __u32 dest, enum l4_verdict verdict)
{
	struct l4_dest *d = bpf_map_lookup_elem(&dests, &dest);
	struct l4_dest_count *count = bpf_map_lookup_elem(&dest_count, &dest);

	if (!d || !count)
		return L4_drop_no_node;
	count->packets++;
	count->bytes += p->bytes;
	readdress(p->eth, d);
	return verdict;
}

static __always_inline enum l4_verdict
balance(void *data, void *end)
{
	struct l4_packet p = {0};
	struct l4_service *s;
	enum l4_verdict verdict;
	__u32 dest = L4_DESTS_MAX;

	verdict = l4_parse(data, end, own_mac, &p);
	if (verdict != L4_VERDICTS)
		return verdict;
	s = find_service(&p);
	if (!s)
		return L4_pass_no_service;
	/* Only the first fragment has ports, so the others could not follow
	 * it. TCP finds its MTU and does not fragment. */
	if (p.fragment)
		return L4_drop_fragment;
	verdict = find_dest(&p, s, &dest);
	if (dest == L4_DESTS_MAX)
		return verdict;
	return forward(&p, dest, verdict);
}

static __always_inline int
action(enum l4_verdict verdict)
{
	switch (verdict) {
#define VERDICT(name, action, text) \
	case L4_##name:             \
		return XDP_##action;
#include "l4/verdicts.def"
#undef VERDICT
	case L4_VERDICTS: break;
	}
	return XDP_ABORTED;
}

SEC("xdp")
int
balancer(struct xdp_md *ctx)
{
	enum l4_verdict verdict = balance((void *)(unsigned long)ctx->data,
		(void *)(unsigned long)ctx->data_end);
	__u32 key = verdict;
	__u64 *count = bpf_map_lookup_elem(&verdicts, &key);

	if (count)
		(*count)++;
	return action(verdict);
}
