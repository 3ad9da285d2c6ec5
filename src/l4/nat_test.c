/* Addresses translated, there and back, through the model and the XDP program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/test_rig.h"

static struct rig rig;

#define UDP IPPROTO_UDP

static struct frame_spec
reply_of(const struct frame_spec *s, uint8_t server)
{
	struct frame_spec r = *s;

	r.back = true;
	r.vip = 0x0a000100u + server;
	r.port = 8080;
	return r;
}

/* There and back: addresses, ports and checksums, both ways. */
static void
test_nat(void **state)
{
	for (int i = 0; i < 6; i++) {
		struct frame_spec spec = {.flags = SYN,
			.v6 = i & 1,
			.protocol = i & 2 ? UDP : IPPROTO_TCP,
			.no_sum = i == 4 || i == 5};
		struct frame_spec back;
		struct frame in, out, want;

		if (spec.no_sum)
			spec.protocol = UDP;
		in = frame_make(&spec);
		rig_serve(&rig, L4_MASQ, L4_IPIP, false);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_new);
		assert_int_equal(out.b[5], 1);
		assert_true(frame_true(out.b + 14, out.n - 14));
		spec.vip = 0x0a000101;
		spec.port = 8080;
		spec.ttl = 63;
		want = frame_make(&spec);
		assert_memory_equal(out.b + 14, want.b + 14, want.n - 14);

		spec = (struct frame_spec){.flags = SYN | ACK,
			.v6 = spec.v6,
			.protocol = spec.protocol,
			.no_sum = spec.no_sum};
		back = reply_of(&spec, 1);
		in = frame_make(&back);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_reply);
		assert_memory_equal(out.b, frame_client, 6);
		back = spec;
		back.back = true;
		back.ttl = 63;
		want = frame_make(&back);
		assert_memory_equal(out.b + 14, want.b + 14, want.n - 14);
		rig_check(&rig);

		/* from another server, or another port: not ours */
		back = reply_of(&spec, 2);
		in = frame_make(&back);
		assert_int_equal(rig_run(&rig, &in, &out), L4_pass_no_service);
		back = reply_of(&spec, 1);
		back.client_port = 1;
		in = frame_make(&back);
		assert_int_equal(rig_run(&rig, &in, &out), L4_pass_no_service);
	}
}

/* Two-way states: the handshake counts when both have spoken. */
static void
test_nat_states(void **state)
{
	struct frame_spec s = {.flags = SYN, .client_port = 5}, back;
	const struct l4_flow *f = NULL;
	struct frame in;
	struct frame out;

	rig_serve(&rig, L4_MASQ, L4_IPIP, false);
	assert_int_equal(rig_send(&rig, &s, L4_tx_new), 1);
	for (uint32_t b = 0; b < rig.model.n_buckets; b++)
		for (int k = 0; k < L4_WAYS; k++)
			if (rig.model.buckets[b].flow[k].key.ends >> 48 ==
				L4_KIND_FLOW)
				f = &rig.model.buckets[b].flow[k];
	assert_non_null(f);
	assert_int_equal(f->word & 15, L4_SYN_RECV);
	s.flags = ACK;
	(void)rig_send(&rig, &s, L4_tx_known);
	assert_int_equal(f->word & 15, L4_ESTABLISHED);
	back = reply_of(&s, 1);
	back.flags = FIN | ACK;
	in = frame_make(&back);
	assert_int_equal(rig_run(&rig, &in, &out), L4_tx_reply);
	assert_int_equal(f->word & 15, L4_FIN_WAIT);
	s.flags = FIN | ACK;
	(void)rig_send(&rig, &s, L4_tx_known);
	assert_int_equal(f->word & 15, L4_TIME_WAIT);
	rig_check(&rig);
}

/* A client's port is used again, before the table was looked through: by way of
 * another router, or for another end, whose server is the same one. */
static void
test_nat_again(void **state)
{
	struct frame_spec s = {.flags = SYN}, back = reply_of(&s, 1);
	struct frame in, out;
	struct rules_id id;

	rig_reset(&rig);
	for (uint16_t port = 80; port <= 81; port++) {
		struct rules_service service = {
			.id = test_id(FRAME_VIP, port, IPPROTO_TCP, false),
			.scheduler = rules_scheduler("rr")};
		struct rules_server server = test_server(1, 8080, false);

		id = service.id;
		server.method = L4_MASQ;
		assert_int_equal(rules_add(rig.rules, &service), 0);
		assert_int_equal(rules_server_add(rig.rules, &id, &server), 0);
	}
	assert_int_equal(rig_compile(&rig), 0);
	for (uint8_t i = 0; i < 3; i++) {
		s.flags = SYN;
		s.port = i < 2 ? 80 : 81;
		in = frame_make(&s);
		in.b[11] = i; /* the router's */
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_new);
		back.flags = SYN | ACK;
		in = frame_make(&back);
		assert_int_equal(rig_run(&rig, &in, &out), L4_tx_reply);
		assert_int_equal(out.b[5], i);
		assert_int_equal(frame_get16(out.b + 34), s.port);
		s.flags = RST;
		(void)rig_send(&rig, &s, L4_tx_known);
		rig_pass_time(&rig, 3600);
	}
	rig_check(&rig);
}

/* A NAT server's answer in fragments: all are as if from the VIP, to whoever
 * the client is reached by. Two servers may number their datagrams alike. */
static void
test_reply_fragments(void **state)
{
	for (int i = 0; i < 2; i++) {
		bool v6 = i;
		size_t to = v6 ? 14 + 24 : 14 + 16;
		struct frame_spec s = {.v6 = v6, .protocol = UDP}, first[2];
		struct frame in, out, want;

		rig_serve(&rig, L4_MASQ, L4_IPIP, v6);
		for (uint8_t k = 0; k < 2; k++) {
			s.client_port = (uint16_t)(1000 + k);
			assert_int_equal(rig_send(&rig, &s, L4_tx_new), k + 1);
			first[k] = reply_of(&s, (uint8_t)(k + 1));
			first[k].frag = v6 ? 1 : 0x2000;
			first[k].id = 7;
			first[k].payload = 800;
		}
		for (uint8_t k = 0; k < 2; k++) {
			in = frame_make(&first[k]);
			assert_int_equal(rig_run(&rig, &in, &out), L4_tx_reply);
			first[k].vip = FRAME_VIP;
			first[k].port = FRAME_PORT;
			first[k].ttl = 63;
			want = frame_make(&first[k]);
			assert_memory_equal(
				out.b + 14, want.b + 14, want.n - 14);
		}
		for (uint8_t k = 2; k-- > 0;) {
			first[k].vip = 0x0a000101u + k;
			first[k].frag = v6 ? 0x328 : 101;
			in = frame_make(&first[k]);
			assert_int_equal(rig_run(&rig, &in, &out), L4_tx_reply);
			assert_memory_equal(out.b, frame_client, 6);
			assert_true(frame_true(out.b + 14, out.n - 14));
			assert_int_equal(out.b[to - 1], FRAME_VIP & 255);
			assert_memory_equal(out.b + to, in.b + to, in.n - to);
		}
		rig_check(&rig);
		rig_pass_time(&rig, 3);
		(void)rig_run(&rig, &in, &out);
		assert_int_equal(rig_run(&rig, &in, &out), L4_pass_no_service);
		rig_sweep(&rig);
		rig_check(&rig);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_nat_states),
		cmocka_unit_test(test_nat_again),
		cmocka_unit_test(test_reply_fragments),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
