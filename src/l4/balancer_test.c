/* The XDP program itself, by BPF_PROG_TEST_RUN: frame in, verdict out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "l4/balancer.h"
#include "l4/test_frame.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODES 3

static void
node_mac(size_t node, uint8_t mac[ETH_ALEN])
{
	memcpy(mac, (uint8_t[ETH_ALEN]){2, 0, 0, 0, 1, (uint8_t)node},
		ETH_ALEN);
}

static void
set(struct balancer *b, size_t node, bool up)
{
	uint8_t mac[ETH_ALEN];

	node_mac(node, mac);
	assert_int_equal(balancer_set(b, node, mac, up), 0);
}

static struct balancer *
open_balancer(size_t up)
{
	struct balancer_config config = {.vip.s_addr = htonl(FRAME_VIP),
		.port = FRAME_PORT,
		.nodes = NODES,
		.flows_max = 1024};
	struct balancer *b = NULL;

	memcpy(config.mac, frame_own, ETH_ALEN);
	assert_int_equal(balancer_open(&config, &b), 0);
	for (size_t i = 0; i < up; i++)
		set(b, i, true);
	return b;
}

static int
run(struct balancer *b, const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b,
		.data_size_in = (uint32_t)in->n, .data_out = out->b,
		.data_size_out = sizeof(out->b));

	assert_int_equal(bpf_prog_test_run_opts(balancer_prog_fd(b), &opts), 0);
	out->n = opts.data_size_out;
	return (int)opts.retval;
}

static uint64_t
count(struct balancer *b, enum l4_verdict v)
{
	uint64_t all[L4_VERDICTS];

	assert_int_equal(balancer_verdicts(b, all), 0);
	return all[v];
}

static int
action(enum l4_verdict v)
{
	static const int actions[] = {
#define VERDICT(name, action, text) XDP_##action,
#include "l4/verdicts.def"
#undef VERDICT
	};

	return actions[v];
}

/* Sends the frame and expects the verdict, counted once and alone, and, if it
 * is sent on, exactly the two MAC addresses new. Returns the node, or -1. */
static int
expect(struct balancer *b, const struct frame *in, enum l4_verdict v)
{
	uint64_t before[L4_VERDICTS], after[L4_VERDICTS];
	struct frame out, want = *in;
	int node = -1;

	assert_int_equal(balancer_verdicts(b, before), 0);
	assert_int_equal(run(b, in, &out), action(v));
	assert_int_equal(balancer_verdicts(b, after), 0);
	for (enum l4_verdict i = 0; i < L4_VERDICTS; i++)
		if (after[i] != before[i] + (i == v))
			fail_msg("wanted %s; %s counted %d",
				balancer_verdict_name(v),
				balancer_verdict_name(i),
				(int)(after[i] - before[i]));
	if (action(v) == XDP_TX) {
		node = out.b[5];
		node_mac((size_t)node, want.b);
		memcpy(want.b + ETH_ALEN, frame_own, ETH_ALEN);
	}
	assert_int_equal(out.n, want.n);
	assert_memory_equal(out.b, want.b, want.n);
	return node;
}

static int
segment(struct balancer *b, uint16_t port, uint8_t flags, enum l4_verdict v)
{
	struct frame_spec spec = {.client_port = port, .flags = flags};
	struct frame f = frame_make(&spec);

	return expect(b, &f, v);
}

static const struct {
	const char *name;
	struct frame_spec spec;
	enum l4_verdict want;
} frames[] = {
	{"SYN", {.flags = SYN}, L4_tx_new},
	{"SYN, ECN bits and options", {.flags = SYN, .doff = 10}, L4_tx_new},
	{"ACK of an unknown flow", {.flags = ACK}, L4_tx_adopted},
	{"SYN+ACK", {.flags = SYN | ACK}, L4_tx_adopted},
	{"FIN of an unknown flow", {.flags = FIN | ACK}, L4_tx_adopted},
	{"no flags at all", {.flags = 0}, L4_tx_adopted},
	{"RST of an unknown flow", {.flags = RST}, L4_drop_stray_rst},
	{"SYN+RST", {.flags = SYN | RST}, L4_drop_stray_rst},
	{"one IP option", {.flags = SYN, .options = 1}, L4_tx_new},
	{"all IP options", {.flags = SYN, .options = 10}, L4_tx_new},
	{"padding", {.flags = SYN, .padding = 6}, L4_tx_new},
	{"don't fragment", {.flags = SYN, .frag = 0x4000}, L4_tx_new},
	{"first fragment", {.flags = SYN, .frag = 0x2000}, L4_drop_fragment},
	{"later fragment", {.frag = 185}, L4_drop_fragment},
	{"last of many", {.frag = 0x1fff}, L4_drop_fragment},
	{"fragment for another", {.frag = 0x2000, .vip = 0xc000020b},
		L4_pass_no_service},
	{"fragment of UDP", {.frag = 185, .protocol = 17}, L4_pass_not_tcp},
	{"ARP", {.ether = ETH_P_ARP}, L4_pass_not_ipv4},
	{"IPv6", {.ether = ETH_P_IPV6}, L4_pass_not_ipv4},
	{"VLAN", {.ether = ETH_P_8021Q}, L4_pass_not_ipv4},
	{"QinQ", {.ether = ETH_P_8021AD}, L4_pass_not_ipv4},
	{"UDP", {.protocol = 17}, L4_pass_not_tcp},
	{"ICMP", {.protocol = 1}, L4_pass_not_tcp},
	{"other address", {.flags = SYN, .vip = 0xc000020b},
		L4_pass_no_service},
	{"other port", {.flags = SYN, .port = 22}, L4_pass_no_service},
	{"for another MAC", {.flags = SYN, .other_mac = true},
		L4_pass_not_ours},
	{"broadcast", {.flags = SYN, .broadcast = true}, L4_pass_not_ours},
	{"version 6 in IPv4", {.flags = SYN, .version = 6}, L4_pass_malformed},
	{"header of 4 words", {.flags = SYN, .ihl = -1}, L4_pass_malformed},
	{"header of no words", {.flags = SYN, .ihl = -5}, L4_pass_malformed},
	{"header over the end", {.flags = SYN, .ihl = 10}, L4_pass_malformed},
	{"longer than the frame", {.flags = SYN, .total = 1},
		L4_pass_malformed},
	{"total length below the header", {.flags = SYN, .total = -39},
		L4_pass_malformed},
	{"TCP header of 4 words", {.flags = SYN, .doff = 4}, L4_pass_malformed},
	{"TCP header over the end", {.flags = SYN, .total = -19},
		L4_pass_malformed},
};

static void
test_frames(void **state)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct balancer *b = open_balancer(NODES);
		struct frame f = frame_make(&frames[i].spec);

		print_message("%s\n", frames[i].name);
		(void)expect(b, &f, frames[i].want);
		balancer_close(b);
	}
}

/* Port 0 is how the map names the address itself; no segment may match it. */
static void
test_port_zero(void **state)
{
	struct balancer *b = open_balancer(NODES);
	struct frame_spec spec = {.flags = SYN};
	struct frame f = frame_make(&spec);

	f.b[36] = f.b[37] = 0;
	(void)expect(b, &f, L4_pass_malformed);
	balancer_close(b);
}

/* Cut at every length: never sent on, never changed. The kernel itself wants
 * 14 bytes; below that see parse_test. */
static void
test_cut_short(void **state)
{
	struct balancer *b = open_balancer(NODES);
	struct frame_spec spec = {.flags = SYN, .options = 3};
	struct frame f = frame_make(&spec);
	size_t whole = f.n;

	for (f.n = 14; f.n < whole; f.n++)
		assert_int_equal(expect(b, &f, L4_pass_malformed), -1);
	assert_int_equal(expect(b, &f, L4_tx_new), 0);
	balancer_close(b);
}

static void
test_round_robin(void **state)
{
	struct balancer *b = open_balancer(NODES);

	for (uint16_t i = 0; i < 7; i++)
		assert_int_equal(
			segment(b, (uint16_t)(1000 + i), SYN, L4_tx_new),
			i % NODES);
	/* each stays where it is, whatever comes */
	for (uint16_t i = 0; i < 7; i++) {
		uint16_t port = (uint16_t)(1000 + i);

		assert_int_equal(segment(b, port, ACK, L4_tx_known), i % NODES);
		assert_int_equal(segment(b, port, SYN, L4_tx_known), i % NODES);
		assert_int_equal(
			segment(b, port, SYN | ACK, L4_tx_known), i % NODES);
	}
	balancer_close(b);
}

/* A flow that ended goes on to its node; a SYN then begins another. */
static void
test_ports_used_again(void **state)
{
	static const uint8_t ends[] = {FIN | ACK, RST, RST | ACK};

	for (size_t i = 0; i < sizeof(ends); i++) {
		struct balancer *b = open_balancer(NODES);

		assert_int_equal(segment(b, 7, SYN, L4_tx_new), 0);
		assert_int_equal(segment(b, 7, ends[i], L4_tx_known), 0);
		assert_int_equal(segment(b, 7, ACK, L4_tx_known), 0);
		assert_int_equal(segment(b, 7, SYN, L4_tx_new), 1);
		assert_int_equal(segment(b, 7, SYN, L4_tx_known), 1);
		balancer_close(b);
	}
}

static void
test_node_down(void **state)
{
	struct balancer *b = open_balancer(NODES);

	assert_int_equal(segment(b, 1, SYN, L4_tx_new), 0);
	assert_int_equal(segment(b, 2, SYN, L4_tx_new), 1);
	assert_int_equal(segment(b, 3, SYN, L4_tx_new), 2);
	set(b, 1, false);
	/* the others' flows do not move */
	assert_int_equal(segment(b, 1, ACK, L4_tx_known), 0);
	assert_int_equal(segment(b, 3, ACK, L4_tx_known), 2);
	/* its flow does, and then stays; but not for a RST */
	(void)segment(b, 2, RST, L4_drop_stray_rst);
	assert_int_equal(segment(b, 2, ACK, L4_tx_moved), 2);
	assert_int_equal(segment(b, 2, ACK, L4_tx_known), 2);
	for (uint16_t i = 10; i < 20; i++)
		assert_int_not_equal(segment(b, i, SYN, L4_tx_new), 1);
	set(b, 1, true);
	assert_int_equal(segment(b, 2, ACK, L4_tx_known), 2);
	assert_int_equal(segment(b, 20, SYN, L4_tx_new), 2);
	assert_int_equal(segment(b, 21, SYN, L4_tx_new), 0);
	assert_int_equal(segment(b, 22, SYN, L4_tx_new), 1);
	balancer_close(b);
}

/* A SYN that is repeated because its node died goes to a living one. */
static void
test_node_down_in_handshake(void **state)
{
	struct balancer *b = open_balancer(2);

	assert_int_equal(segment(b, 1, SYN, L4_tx_new), 0);
	set(b, 0, false);
	assert_int_equal(segment(b, 1, SYN, L4_tx_moved), 1);
	assert_int_equal(segment(b, 1, SYN, L4_tx_known), 1);
	balancer_close(b);
}

static void
test_all_down(void **state)
{
	struct balancer *b = open_balancer(0);

	(void)segment(b, 1, SYN, L4_drop_no_node);
	(void)segment(b, 1, ACK, L4_drop_no_node);
	set(b, 2, true);
	assert_int_equal(segment(b, 1, SYN, L4_tx_new), 2);
	set(b, 2, false);
	(void)segment(b, 1, ACK, L4_drop_no_node);
	(void)segment(b, 1, SYN, L4_drop_no_node);
	set(b, 2, true); /* the flow was kept */
	assert_int_equal(segment(b, 1, ACK, L4_tx_known), 2);
	assert_int_equal(count(b, L4_drop_no_node), 4);
	balancer_close(b);
}

static void
test_mac_changes(void **state)
{
	static const uint8_t mac[ETH_ALEN] = {2, 9, 9, 9, 9, 9};
	struct balancer *b = open_balancer(1);
	struct frame_spec spec = {.flags = SYN};
	struct frame f = frame_make(&spec), out;

	assert_int_equal(expect(b, &f, L4_tx_new), 0);
	assert_int_equal(balancer_set(b, 0, mac, true), 0);
	assert_int_equal(run(b, &f, &out), XDP_TX);
	assert_memory_equal(out.b, mac, ETH_ALEN);
	balancer_close(b);
}

static void
test_counters(void **state)
{
	struct balancer *b = open_balancer(2);
	struct frame_spec spec = {.flags = ACK, .client_port = 1};
	struct frame f;
	struct l4_dest_count c;

	(void)segment(b, 1, SYN, L4_tx_new);
	(void)segment(b, 2, SYN, L4_tx_new);
	spec.padding = 40; /* does not count */
	spec.options = 2;
	f = frame_make(&spec);
	(void)expect(b, &f, L4_tx_known);
	(void)segment(b, 3, RST, L4_drop_stray_rst);
	assert_int_equal(balancer_node_count(b, 0, &c), 0);
	assert_int_equal(c.connections, 1);
	assert_int_equal(c.packets, 2);
	assert_int_equal(c.bytes, 58 + 66);
	assert_int_equal(balancer_node_count(b, 1, &c), 0);
	assert_int_equal(c.connections, 1);
	assert_int_equal(c.packets, 1);
	assert_int_equal(c.bytes, 58);
	assert_int_equal(balancer_node_count(b, 2, &c), 0);
	assert_int_equal(c.packets, 0);
	set(b, 0, false);
	(void)segment(b, 1, ACK, L4_tx_moved);
	assert_int_equal(balancer_node_count(b, 1, &c), 0);
	assert_int_equal(c.connections, 2);
	balancer_close(b);
}

static void
test_limits(void **state)
{
	struct balancer_config config = {
		.nodes = L4_DESTS_MAX + 1, .flows_max = 16, .port = 80};
	struct balancer *b = NULL;
	uint8_t mac[ETH_ALEN] = {2};

	assert_int_equal(balancer_open(&config, &b), -E2BIG);
	assert_null(b);
	config.nodes = L4_DESTS_MAX;
	assert_int_equal(balancer_open(&config, &b), 0);
	for (size_t i = 0; i < L4_DESTS_MAX; i++)
		assert_int_equal(balancer_set(b, i, mac, true), 0);
	assert_string_equal(balancer_mode(b), "none");
	balancer_close(b);
}

/* No more rights than the balancer is said to need. */
static void
drop_rights(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};

	data[0].permitted = data[0].effective = 1u << CAP_NET_ADMIN;
	data[1].permitted = data[1].effective =
		1u << (CAP_BPF - 32) | 1u << (CAP_PERFMON - 32);
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_port_zero),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_round_robin),
		cmocka_unit_test(test_ports_used_again),
		cmocka_unit_test(test_node_down),
		cmocka_unit_test(test_node_down_in_handshake),
		cmocka_unit_test(test_all_down),
		cmocka_unit_test(test_mac_changes),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_limits),
	};

	if (!balancer_permitted()) {
		puts("SKIP: needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
		return 77;
	}
	drop_rights();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
