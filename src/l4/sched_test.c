/* Whose a new connection is: IPVS's rules and order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/core/sched.h"
#include "l4/test_rig.h"

static struct rig rig;

/* Servers 1.. of these weights, made in this order. */
static struct rules_id
start(const char *scheduler, uint16_t flags, const uint16_t *weights, size_t n)
{
	struct rules_id id;

	rig_reset(&rig);
	id = rig_service(&rig, scheduler, IPPROTO_TCP, false, flags);
	for (size_t i = 0; i < n; i++)
		rig_server(&rig, &id, (uint8_t)(i + 1), weights[i]);
	assert_int_equal(rig_compile(&rig), 0);
	return id;
}

#define START(scheduler, flags, ...)                             \
	start(scheduler, flags, (const uint16_t[]){__VA_ARGS__}, \
		sizeof((const uint16_t[]){__VA_ARGS__}) / 2)

/* n new connections, whose servers are `want`'s letters: A is 1. */
static void
expect(uint16_t port, const char *want)
{
	char got[256] = "";

	for (size_t i = 0; want[i]; i++) {
		int n = rig_tcp(&rig, (uint16_t)(port + i), SYN, L4_tx_new);

		got[i] = (char)('A' + n - 1);
	}
	assert_string_equal(got, want);
	rig_check(&rig);
}

/* The connection is established, and broken off. */
static void
end(uint16_t port)
{
	(void)rig_tcp(&rig, port, ACK, L4_tx_known);
	(void)rig_tcp(&rig, port, RST, L4_tx_known);
}

static void
edit(struct rules_id id, uint8_t n, uint16_t weight, uint32_t upper,
	uint32_t lower)
{
	struct rules_server s = test_server(n, id.port, false);

	s.weight = weight;
	s.upper = upper;
	s.lower = lower;
	assert_int_equal(rules_server_edit(rig.rules, &id, &s), 0);
	assert_int_equal(rig_compile(&rig), 0);
}

static void
test_rr(void **state)
{
	struct rules_id id = START("rr", 0, 1, 1, 1);
	union l4_addr b = test_addr(0x0a000102, false);

	expect(1000, "CBACBAC");
	edit(id, 1, 0, 0, 0); /* drained */
	expect(1100, "BCBC");
	edit(id, 1, 1, 0, 0);
	expect(1200, "BA");
	/* the one chosen last goes: on with the one that followed it */
	expect(1300, "CB");
	assert_int_equal(
		rules_server_delete(rig.rules, &id, &b, id.port, 0), 0);
	assert_int_equal(rig_compile(&rig), 0);
	expect(1400, "ACA");
}

static void
test_wrr(void **state)
{
	struct rules_id id = START("wrr", 0, 5, 3, 2);

	/* as seen of Linux's; the first lap begins at 1, since the service
	 * was empty when it was made */
	expect(1000, "CBAAABACBACBAAABACBA");
	edit(id, 1, 0, 0, 0);
	expect(1100, "CBCBBCB");
}

static void
test_wlc(void **state)
{
	int got[4] = {0};

	START("wlc", 0, 5, 3, 2);
	for (uint16_t i = 0; i < 20; i++)
		got[rig_tcp(&rig, (uint16_t)(1000 + i), SYN, L4_tx_new)]++;
	assert_int_equal(got[1], 10);
	assert_int_equal(got[2], 6);
	assert_int_equal(got[3], 4);
	rig_check(&rig);
}

static void
test_lc(void **state)
{
	START("lc", 0, 5, 3, 2);
	expect(1000, "CBACBA");
	/* one of A's ends: its place is the cheapest */
	end(1002);
	expect(1100, "ACBA");
}

static void
test_sed_nq(void **state)
{
	START("sed", 0, 3, 1);
	expect(1000, "AABAAAB");
	START("nq", 0, 3, 1);
	expect(1000, "BAAAAAB");
}

static void
test_fo_ovf(void **state)
{
	struct rules_id id = START("fo", 0, 1, 3, 3);

	expect(1000, "CCCC");
	edit(id, 3, 0, 0, 0);
	expect(1100, "BB");
	START("ovf", 0, 1, 2);
	expect(1000, "BBBAA");
	/* active > weight everywhere: refused */
	(void)rig_tcp(&rig, 2000, SYN, L4_drop_no_node);
}

static void
test_twos(void **state)
{
	int got[3] = {0};

	START("twos", 0, 1, 3);
	for (uint16_t i = 0; i < 400; i++)
		got[rig_tcp(&rig, (uint16_t)(1000 + i), SYN, L4_tx_new)]++;
	assert_int_equal(got[0], 0);
	assert_in_range(got[1], 80, 120);
	rig_check(&rig);
}

/* The table of places says what the tree says; and is not asked when not all of
 * its servers can be chosen. */
static void
test_twos_places(void **state)
{
	struct rules_id id = START("twos", 0, 3, 0, 5, 1, 8, 2, 1);
	struct l4_service *s = rig.model.services;
	struct l4_job j = {0};
	int got = 0;
	uint32_t n;

	l4_image = &rig.model;
	j.half = rig.model.ctl->generation & 1;
	for (s += j.half * L4_SERVICES_MAX; !s->n; s++)
		continue;
	n = s->ring_n;
	assert_int_equal(n, 20);
	for (uint32_t r = 0; r <= n; r++) {
		uint32_t at[2] = {r, n - r}, slot[2], tree[2];

		l4_slots_at(&j, s, n, at, slot);
		l4_tree_at(&j, s, at, tree);
		assert_int_equal(slot[0], tree[0]);
		assert_int_equal(slot[1], tree[1]);
	}
	edit(id, 5, 8, 1, 0); /* full with one connection */
	for (uint16_t i = 0; i < 100; i++)
		got += rig_tcp(&rig, (uint16_t)(1000 + i), SYN, L4_tx_new) == 5;
	assert_in_range(got, 1, 1);
	rig_check(&rig);
}

static int
from(uint32_t client, uint16_t port, enum l4_verdict want)
{
	struct frame_spec s = {
		.client = client, .client_port = port, .flags = SYN};

	return rig_send(&rig, &s, want);
}

static void
test_sh(void **state)
{
	struct rules_id id = START("sh", 0, 1, 2, 3);
	int share[4] = {0};

	for (uint32_t i = 0; i < 512; i++) {
		int n = from(0x0a010000 + i * 7, 1000, L4_tx_new);

		share[n]++;
		/* another port of the same client stays */
		assert_int_equal(from(0x0a010000 + i * 7, 1001, L4_tx_new), n);
	}
	assert_in_range(share[3], share[1] * 2, share[1] * 4);
	edit(id, 3, 0, 0, 0);
	rig_pass_time(&rig, 100);
	share[3] = 0;
	for (uint32_t i = 0; i < 64; i++) {
		struct frame_spec s = {
			.client = 0x0a020000 + i * 7, .flags = SYN};
		struct frame f = frame_make(&s), out;

		share[3] += rig_run(&rig, &f, &out) == L4_drop_no_node;
	}
	assert_in_range(share[3], 1, 63); /* a turn is all that is left */
}

static void
test_fallback(void **state)
{
	static const char *const names[] = {"sh", "mh"};

	for (int i = 0; i < 2; i++) {
		struct rules_id id = START(
			names[i], L4_HASH_FALLBACK | L4_HASH_PORT, 1, 1, 1);
		bool seen[4] = {0};

		edit(id, 2, 0, 0, 0);
		for (uint16_t k = 0; k < 200; k++)
			seen[rig_tcp(&rig, (uint16_t)(1000 + k), SYN,
				L4_tx_new)] = true;
		assert_true(seen[1] && seen[3] && !seen[2]);
		rig_check(&rig);
	}
}

/* Draining a server moves nobody else; two balancers say the same. */
static void
test_mh(void **state)
{
	int before[300];
	struct rules_id id = START("mh", L4_HASH_PORT, 1, 1, 1, 1, 1);
	int share[6] = {0}, lost = 0;

	for (uint16_t i = 0; i < 300; i++) {
		before[i] = rig_tcp(&rig, (uint16_t)(i + 1), SYN, L4_tx_new);
		share[before[i]]++;
	}
	for (int i = 1; i < 6; i++)
		assert_in_range(share[i], 40, 80);
	(void)START("mh", L4_HASH_PORT, 1, 1, 1, 1, 1);
	edit(id, 4, 0, 0, 0);
	for (uint16_t i = 0; i < 300; i++) {
		struct frame_spec s = {
			.client_port = (uint16_t)(i + 1), .flags = SYN};
		struct frame f = frame_make(&s), out;

		if (rig_run(&rig, &f, &out) == L4_drop_no_node)
			lost += before[i] == 4;
		else
			assert_int_equal(out.b[5], before[i]);
	}
	assert_int_equal(lost, share[4]);
	rig_check(&rig);
}

static void
test_dh(void **state)
{
	START("dh", 0, 1, 1, 1);
	expect(1000, "CCC"); /* one address: always the same */
	START("dh", 0, 1, 1);
	assert_int_equal(from(1, 1, L4_tx_new), from(2, 2, L4_tx_new));
}

static void
test_lblc(void **state)
{
	START("lblc", 0, 4, 4);
	/* one destination: the same server until it has more than its weight
	 * and the other is less than half full */
	expect(1000, "BBBBBAAAAA");
	START("lblcr", 0, 4, 4);
	/* then both are in the set, and the least loaded of them is used */
	expect(1000, "BBBBBAAAAAAB");
}

static void
test_thresholds(void **state)
{
	struct rules_id id = START("wlc", 0, 1, 1);

	edit(id, 2, 1, 4, 0);
	expect(1000, "BABABABAAA");
	/* under again below three quarters of it */
	end(1000);
	rig_pass_time(&rig, 20);
	rig_sweep(&rig);
	expect(1100, "A"); /* 3 of 4 */
	end(1002);
	rig_pass_time(&rig, 20);
	rig_sweep(&rig);
	expect(1101, "B");
}

/* Every size of tree, and a scan by hand beside it. */
static void
test_many_servers(void **state)
{
	static const char *const names[] = {"rr", "wlc", "sed"};

	for (size_t n = 1; n <= 130; n += n < 5 ? 1 : 25)
		for (int k = 0; k < 3; k++) {
			uint16_t w[130];
			unsigned count[131] = {0};

			for (size_t i = 0; i < n; i++)
				w[i] = (uint16_t)(1 + i % 7);
			start(names[k], 0, w, n);
			for (unsigned c = 0; c < 300; c++) {
				size_t best = 0;
				int got = rig_tcp(&rig, (uint16_t)(c + 1), SYN,
					L4_tx_new);

				/* the newest is first */
				for (size_t i = n; i > 0; i--) {
					unsigned o = k == 2, a, b;

					a = (count[i] + o) * w[best - !!best];
					b = best ? (count[best] + o) * w[i - 1]
						 : 1;
					if (!best || a < b)
						best = i;
				}
				if (k == 0)
					best = n - c % n;
				assert_int_equal(got, best);
				count[best]++;
			}
			rig_check(&rig);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rr),
		cmocka_unit_test(test_wrr),
		cmocka_unit_test(test_wlc),
		cmocka_unit_test(test_lc),
		cmocka_unit_test(test_sed_nq),
		cmocka_unit_test(test_fo_ovf),
		cmocka_unit_test(test_twos),
		cmocka_unit_test(test_twos_places),
		cmocka_unit_test(test_sh),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_mh),
		cmocka_unit_test(test_dh),
		cmocka_unit_test(test_lblc),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_many_servers),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
