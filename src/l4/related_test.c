/* What has no ports of its own goes where its flow goes: ICMP errors and later
 * fragments, through the model and the XDP program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/test_rig.h"

static struct rig rig;

#define UDP IPPROTO_UDP

/* ICMP errors follow their flow, for every method and family. */
static void
test_icmp_in(void **state)
{
	static const enum l4_method methods[] = {L4_ROUTE, L4_TUNNEL, L4_MASQ};

	for (int i = 0; i < 12; i++) {
		bool v6 = i & 1;
		enum l4_method m = methods[i / 4];
		struct frame_spec s = {.flags = SYN,
			.v6 = v6,
			.protocol = i & 2 ? UDP : IPPROTO_TCP,
			.client_port = 4711};
		struct frame_spec sent = s;
		struct frame in, out;
		int server;

		rig_serve(&rig, m, L4_IPIP, v6);
		(void)rig_send(&rig, &s, L4_tx_new);
		s.client_port++;
		server = rig_send(&rig, &s, L4_tx_new);
		assert_int_equal(server, 2);
		/* a router is unhappy with what the server sent as the VIP */
		sent = s;
		sent.back = true;
		in = frame_icmp(&sent, 0x0a00fffe, v6 ? 2 : 3, v6 ? 0 : 4,
			v6 ? 60 : 28);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_icmp);
		assert_int_equal(out.b[5], 2);
		assert_true(frame_true(out.b + 14, out.n - 14));
		if (m == L4_MASQ) {
			size_t q = v6 ? 14 + 40 + 8 + 40 : 14 + 20 + 8 + 20;

			assert_int_equal(frame_get16(out.b + q), 8080);
			assert_int_equal(out.b[q - (v6 ? 17 : 5)], 2);
		}
		/* about a flow we know nothing of: where its hash says */
		sent.client_port = 99;
		in = frame_icmp(&sent, 0x0a00fffe, v6 ? 2 : 3, v6 ? 0 : 4, 0);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_icmp);
		sent.port = 22;
		in = frame_icmp(&sent, 0x0a00fffe, v6 ? 2 : 3, v6 ? 0 : 4, 0);
		assert_int_equal(
			rig_run(&rig, &in, &out), L4_pass_icmp_unknown);
		assert_memory_equal(out.b, in.b, in.n);
		rig_check(&rig);
	}
}

/* Of an ICMP error nobody is told, whatever is wrong with it. */
static void
test_icmp_untold(void **state)
{
	static const enum l4_method methods[] = {L4_ROUTE, L4_TUNNEL, L4_MASQ};

	for (int i = 0; i < 6; i++) {
		bool v6 = i & 1;
		struct frame_spec s = {.flags = SYN, .v6 = v6};
		struct frame in, out;

		rig_serve(&rig, methods[i / 2], L4_IPIP, v6);
		(void)rig_send(&rig, &s, L4_tx_new);
		s.back = true;
		for (int known = 1; known >= 0; known--) {
			s.client_port = known ? 0 : 99;
			in = frame_icmp(
				&s, 0x0a00fffe, v6 ? 1 : 3, v6 ? 4 : 3, 0);
			in.b[14 + (v6 ? 7 : 8)] = 1; /* its time to live */
			assert_int_equal(rig_run(&rig, &in, &out), L4_drop_ttl);
		}
		rig_check(&rig);
	}
}

/* A NAT server's ICMP error about what the client sent. */
static void
test_icmp_out(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct frame_spec s = {.flags = SYN, .v6 = i, .protocol = UDP};
		struct frame_spec quoted = s;
		struct frame in, out;

		rig_serve(&rig, L4_MASQ, L4_IPIP, false);
		(void)rig_send(&rig, &s, L4_tx_new);
		quoted.vip = 0x0a000101;
		quoted.port = 8080;
		in = frame_icmp(&quoted, 0x0a000101, i ? 1 : 3, i ? 4 : 3, 0);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_icmp_reply);
		assert_memory_equal(out.b, frame_client, 6);
		assert_true(frame_true(out.b + 14, out.n - 14));
		quoted = s;
		in = frame_icmp(&quoted, FRAME_VIP, i ? 1 : 3, i ? 4 : 3, 0);
		/* but for checksums and the time to live, as if the VIP had
		 * said so */
		assert_memory_equal(out.b + (i ? 22 : 26), in.b + (i ? 22 : 26),
			i ? 32 : 8);
		assert_int_equal(frame_get16(out.b + (i ? 104 : 64)), 80);
	}
}

/* All fragments of a datagram go where the first went. */
static void
test_fragments(void **state)
{
	static const enum l4_method methods[] = {L4_ROUTE, L4_TUNNEL, L4_MASQ};

	for (int i = 0; i < 6; i++) {
		bool v6 = i & 1;
		struct frame_spec first = {.v6 = v6,
			.protocol = UDP,
			.frag = v6 ? 1 : 0x2000,
			.payload = 800};
		struct frame in, out;

		rig_serve(&rig, methods[i / 2], L4_IPIP, v6);
		for (uint32_t k = 1; k <= 3; k++) {
			struct frame_spec later = first;

			first.id = later.id = k;
			first.client_port = (uint16_t)(1000 + k);
			later.frag = v6 ? 0x328 : 101;
			(void)rig_send(&rig, &later, L4_drop_fragment_lost);
			assert_int_equal(rig_send(&rig, &first, L4_tx_new), k);
			in = frame_make(&later);
			assert_int_equal(
				rig_run(&rig, &in, &out), L4_tx_fragment);
			assert_int_equal(out.b[5], k);
			assert_true(frame_true(out.b + 14, out.n - 14));
		}
		rig_pass_time(&rig, 3);
		(void)rig_run(&rig, &in, &out);
		assert_int_equal(
			rig_run(&rig, &in, &out), L4_drop_fragment_lost);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_icmp_in),
		cmocka_unit_test(test_icmp_untold),
		cmocka_unit_test(test_icmp_out),
		cmocka_unit_test(test_fragments),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
