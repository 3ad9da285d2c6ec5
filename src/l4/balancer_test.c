/* Frame in, verdict and frame out: a table for every branch of the packet core,
 * through the model and the XDP program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/test_rig.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct rig rig;

#define UDP IPPROTO_UDP

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
	{"first fragment", {.flags = SYN, .frag = 0x2000}, L4_tx_new},
	{"later fragment", {.frag = 185}, L4_drop_fragment_lost},
	{"last of many", {.frag = 0x1fff}, L4_drop_fragment_lost},
	{"fragment for another", {.frag = 0x2000, .vip = 0xc000020b},
		L4_pass_no_service},
	{"later one for another", {.frag = 185, .vip = 0xc000020b},
		L4_pass_no_service},
	{"fragment of UDP", {.frag = 185, .protocol = UDP},
		L4_drop_fragment_lost},
	{"ARP", {.ether = ETH_P_ARP}, L4_pass_not_ip},
	{"VLAN", {.ether = ETH_P_8021Q}, L4_pass_not_ip},
	{"QinQ", {.ether = ETH_P_8021AD}, L4_pass_not_ip},
	{"UDP", {.protocol = UDP}, L4_tx_new},
	{"UDP without checksum", {.protocol = UDP, .no_sum = true}, L4_tx_new},
	{"SCTP", {.protocol = 132}, L4_pass_protocol},
	{"IPIP", {.protocol = 4}, L4_pass_protocol},
	{"a ping", {.protocol = 1}, L4_pass_protocol},
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
	{"UDP over the end", {.protocol = UDP, .total = -1}, L4_pass_malformed},
	{"time to live 1", {.flags = SYN, .ttl = 1}, L4_tx_ttl},
	{"time to live 1, UDP", {.protocol = UDP, .ttl = 1}, L4_tx_ttl},
	{"as large as the path", {.flags = ACK, .payload = 1460},
		L4_tx_adopted},
	{"too big, may not be split",
		{.flags = ACK, .payload = 1461, .frag = 0x4000}, L4_tx_too_big},
	{"too big, may be split", {.flags = ACK, .payload = 1461},
		L4_tx_too_big},
	{"IPv6", {.v6 = true, .flags = SYN}, L4_tx_new},
	{"IPv6, UDP", {.v6 = true, .protocol = UDP}, L4_tx_new},
	{"IPv6, options", {.v6 = true, .flags = SYN, .options = 2}, L4_tx_new},
	{"IPv6, first fragment",
		{.v6 = true, .protocol = UDP, .frag = 1, .id = 7}, L4_tx_new},
	{"IPv6, later fragment",
		{.v6 = true, .protocol = UDP, .frag = 0x100, .id = 7},
		L4_drop_fragment_lost},
	{"IPv6, atomic fragment", {.v6 = true, .protocol = UDP, .id = 7},
		L4_tx_new},
	{"IPv6, too big", {.v6 = true, .flags = ACK, .payload = 1441},
		L4_tx_too_big},
	{"IPv6, hop limit 1", {.v6 = true, .flags = ACK, .ttl = 1}, L4_tx_ttl},
	{"IPv6, other port", {.v6 = true, .flags = SYN, .port = 22},
		L4_pass_no_service},
	{"IPv6, ICMPv4 inside", {.v6 = true, .protocol = 1}, L4_pass_protocol},
	{"IPv6, version 4", {.v6 = true, .flags = SYN, .version = 4},
		L4_pass_malformed},
	{"IPv6, longer than the frame", {.v6 = true, .flags = SYN, .total = 1},
		L4_pass_malformed},
};

static void
test_frames(void **state)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct frame in = frame_make(&frames[i].spec), out;
		enum l4_verdict v;

		rig_serve(&rig, L4_ROUTE, L4_IPIP, false);
		v = rig_run(&rig, &in, &out);
		if (v != frames[i].want)
			fail_msg("%s: wanted %s, got %s", frames[i].name,
				balancer_verdict_name(frames[i].want),
				balancer_verdict_name(v));
		if (rig_action(v) == XDP_TX)
			assert_true(frame_true(out.b + 14, out.n - 14));
		if (rig_action(v) == XDP_PASS) {
			assert_int_equal(out.n, in.n);
			assert_memory_equal(out.b, in.b, in.n);
		}
		rig_check(&rig);
	}
}

/* Cut at every length: never sent on, never changed. */
static void
test_cut_short(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct frame_spec spec = {.flags = SYN,
			.v6 = i & 1,
			.protocol = i & 2 ? UDP : IPPROTO_TCP,
			.options = 3};
		struct frame f = frame_make(&spec), out;
		size_t whole = f.n;

		rig_serve(&rig, L4_ROUTE, L4_IPIP, false);
		for (f.n = 0; f.n < whole; f.n++) {
			assert_int_equal(
				rig_run(&rig, &f, &out), L4_pass_malformed);
			assert_memory_equal(out.b, f.b, f.n);
		}
		assert_int_equal(rig_run(&rig, &f, &out), L4_tx_new);
	}
}

/* Direct routing changes two MAC addresses and the time to live. */
static void
test_route(void **state)
{
	struct frame_spec spec = {.flags = SYN};
	struct frame in = frame_make(&spec), out;

	rig_serve(&rig, L4_ROUTE, L4_IPIP, false);
	assert_int_equal(rig_run(&rig, &in, &out), L4_tx_new);
	memcpy(in.b, (uint8_t[]){2, 0, 0, 0, 1, 1}, 6);
	memcpy(in.b + 6, frame_own, 6);
	in.b[14 + 8] = 63;
	in.b[14 + 10] = out.b[14 + 10]; /* which frame_true() has seen */
	in.b[14 + 11] = out.b[14 + 11];
	assert_true(frame_true(out.b + 14, out.n - 14));
	assert_memory_equal(out.b, in.b, in.n);
}

/* Where the inner packet begins in a frame that went into a tunnel. */
static size_t
inner_at(const struct frame *f, enum l4_tun tun)
{
	size_t ip = f->b[12] == 8 ? 20 : 40;

	return 14 + ip + (tun == L4_GUE ? 12 : tun == L4_GRE ? 4 : 0);
}

static void
check_tunnel(const struct frame *in, const struct frame *out, enum l4_tun tun,
	bool outer6, bool inner6)
{
	size_t at = inner_at(out, tun);
	const uint8_t *ip = out->b + 14;

	assert_int_equal(out->b[5], 1);
	assert_int_equal(ip[0] >> 4, outer6 ? 6 : 4);
	assert_int_equal(out->n - at, in->n - 14);
	assert_true(frame_true(ip, out->n - 14));
	assert_true(frame_true(out->b + at, out->n - at));
	/* all but the time to live and its checksum */
	assert_memory_equal(out->b + at + 12, in->b + 14 + 12, in->n - 26);
	if (tun == L4_IPIP)
		assert_int_equal(ip[outer6 ? 6 : 9], inner6 ? 41 : 4);
	if (tun == L4_GUE) {
		assert_int_equal(frame_get16(out->b + at - 10), 6080);
		assert_int_equal(out->b[at - 3], inner6 ? 41 : 4);
	}
	if (tun == L4_GRE)
		assert_int_equal(frame_get16(out->b + at - 2),
			inner6 ? ETH_P_IPV6 : ETH_P_IP);
}

static void
test_tunnels(void **state)
{
	for (unsigned i = 0; i < 12; i++) {
		enum l4_tun tun = (enum l4_tun)(i % 3);
		bool outer6 = i / 3 & 1, inner6 = i / 6;
		struct frame_spec spec = {.flags = SYN,
			.v6 = inner6,
			.frag = inner6 ? 0 : 0x4000};
		struct frame in = frame_make(&spec), out;
		unsigned more = (outer6 ? 40 : 20) +
			(tun == L4_GUE			? 12
					: tun == L4_GRE ? 4
							: 0);

		rig_serve(&rig, L4_TUNNEL, tun, outer6);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_new);
		check_tunnel(&in, &out, tun, outer6, inner6);
		/* what just fits, and one byte more */
		spec.payload = (uint16_t)(1500 - more - (inner6 ? 60 : 40));
		in = frame_make(&spec);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_known);
		assert_int_equal(out.n, 1514);
		spec.payload++;
		in = frame_make(&spec);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_too_big);
		assert_true(frame_true(out.b + 14, out.n - 14));
		assert_int_equal(frame_get16(out.b + 14 + (inner6 ? 46 : 26)),
			1500 - more);
	}
}

static void
test_local_and_unreachable(void **state)
{
	struct rules_service *s;

	rig_serve(&rig, L4_ROUTE, L4_IPIP, false);
	s = &rig.rules->services[0];
	s->servers[0].method = L4_LOCAL;
	s->servers[1].resolved = false;
	s->changed = true;
	assert_int_equal(rig_compile(&rig), 0);
	(void)rig_tcp(&rig, 1, SYN, L4_pass_local);
	assert_int_equal(rig_tcp(&rig, 2, SYN, L4_tx_new), 3);
	s->servers[2].ifindex = 77; /* by another interface */
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(rig_tcp(&rig, 2, SYN, L4_tx_known), 3);
	assert_int_equal(rig.out, 77);
	if (rig.balancer)
		assert_int_equal(rig.action, XDP_REDIRECT);
}

/* Rules that don't fit change nothing. */
static void
test_limits(void **state)
{
	struct rules_service s = {.scheduler = L4_sh};
	uint32_t generation;

	rig_reset(&rig);
	for (uint16_t i = 1; i < L4_SERVICES_MAX; i++) {
		s.id = test_id(FRAME_VIP, i, IPPROTO_TCP, false);
		assert_int_equal(rules_add(rig.rules, &s), 0);
	}
	s.id.port = L4_SERVICES_MAX;
	assert_int_equal(rules_add(rig.rules, &s), -ENOSPC);
	generation = rig.model.ctl->generation;
	/* more than the rings have room for: */
	assert_int_equal(compile(rig.rules, &rig.model), -ENOSPC);
	assert_int_equal(rig.model.ctl->generation, generation);
	rules_clear(rig.rules, 0);
	for (uint16_t i = 1; i <= 256; i++) {
		s.id = test_id(FRAME_VIP, i, IPPROTO_TCP, false);
		assert_int_equal(rules_add(rig.rules, &s), 0);
	}
	assert_int_equal(rig_compile(&rig), 0);
	for (uint16_t i = 1; i <= 256; i++) {
		struct frame_spec f = {.flags = SYN, .port = i};

		(void)rig_send(&rig, &f, L4_drop_no_node);
	}
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
	(void)syscall(SYS_capset, &head, data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_local_and_unreachable),
		cmocka_unit_test(test_limits),
	};
	int failed;

	if (balancer_permitted())
		drop_rights();
	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
