/* Flows: their states and times, what becomes of them when servers change, and
 * what a flood may do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/test_rig.h"

static struct rig rig;

static int
tcp(uint16_t port, uint8_t flags, enum l4_verdict want)
{
	return rig_tcp(&rig, port, flags, want);
}

/* The only flow in the table. */
static const struct l4_flow *
flow(void)
{
	const struct l4_flow *found = NULL;

	for (uint32_t b = 0; b < rig.model.n_buckets; b++)
		for (int k = 0; k < L4_WAYS; k++) {
			const struct l4_flow *f = &rig.model.buckets[b].flow[k];

			if (f->word && f->key.ends >> 48 == L4_KIND_FLOW)
				found = f;
		}
	return found;
}

static const uint8_t event_flags[] = {SYN, FIN | ACK, ACK, RST};

/* IPVS's INPUT_ONLY table: rows by event, columns by state. */
static const uint8_t one_way[4][L4_TCP_STATES] = {
	/* NO ES SS SR FW TW CL CW LA LI SA */
	{3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3},
	{6, 4, 2, 5, 4, 5, 6, 7, 8, 9, 5},
	{1, 1, 2, 1, 4, 5, 6, 7, 6, 9, 1},
	{6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 6},
};

static const unsigned lifetime_s[L4_TCP_STATES] = {
	2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};

static void
put_state(unsigned state)
{
	struct l4_image *images[] = {&rig.model, rig_program(&rig)};

	for (int i = 0; i < 2 && images[i]; i++)
		for (uint32_t b = 0; b < images[i]->n_buckets; b++)
			for (int k = 0; k < L4_WAYS; k++) {
				__u64 *w = &images[i]->buckets[b].flow[k].word;

				if (*w)
					*w = (*w & ~15ull) | state;
			}
}

/* All states, all events, and how long the flow then lives. */
static void
test_states(void **state)
{
	for (unsigned s = 0; s < L4_TCP_STATES; s++)
		for (unsigned e = 0; e < 4; e++) {
			bool closing = s >= L4_FIN_WAIT && s <= L4_LAST_ACK;
			unsigned next = one_way[e][s];

			rig_start(&rig, "rr", 0, 2);
			(void)tcp(1, SYN, L4_tx_new);
			put_state(s);
			(void)tcp(1, event_flags[e],
				e == 0 && closing ? L4_tx_new : L4_tx_known);
			assert_int_equal(flow()->word & 15, next);
			rig_pass_time(&rig, lifetime_s[next] - 1);
			rig_sweep(&rig);
			assert_non_null(flow());
			rig_pass_time(&rig, 1.2);
			rig_sweep(&rig);
			assert_null(flow());
		}
}

static void
count_is(uint16_t n, int active, int inactive)
{
	const struct l4_count *c = &rig.model.counts[n];

	assert_int_equal(c->active, active);
	assert_int_equal(c->inactive, inactive);
	rig_check(&rig);
}

static void
test_counts(void **state)
{
	struct l4_stat stat;

	rig_start(&rig, "rr", 0, 2); /* the second is number 1 */
	(void)tcp(1, SYN, L4_tx_new);
	(void)tcp(1, SYN, L4_tx_known);
	count_is(2, 1, 0);
	assert_int_equal(rig.model.counts[2].repeated, 1);
	assert_int_equal(rig.model.counts[2].opened, 0);
	(void)tcp(1, ACK, L4_tx_known);
	(void)tcp(1, ACK, L4_tx_known);
	assert_int_equal(rig.model.counts[2].opened, 1);
	(void)tcp(2, SYN, L4_tx_new);
	(void)tcp(3, SYN, L4_tx_new);
	count_is(2, 2, 0);
	count_is(1, 1, 0);
	(void)tcp(1, FIN | ACK, L4_tx_known);
	count_is(2, 1, 1);
	balancer_stat(&rig.model, 2, &stat);
	assert_int_equal(stat.connections, 2);
	assert_int_equal(stat.in_packets, 6);
	assert_int_equal(stat.in_bytes, 6 * 58);
	/* nobody looks: the counts stay until someone does */
	rig_pass_time(&rig, 130);
	count_is(2, 1, 1);
	(void)tcp(1, SYN, L4_tx_new);
	count_is(2, 1, 0);
	count_is(1, 2, 0);
	rig_sweep(&rig);
	count_is(2, 0, 0);
	count_is(1, 1, 0);
}

static void
down(const struct rules_id *id, uint8_t n, bool yes)
{
	rig_find(&rig, id, n)->down = rig_find(&rig, id, n)->lost = yes;
	assert_int_equal(rig_compile(&rig), 0);
}

static void
test_node_down(void **state)
{
	struct rules_id id = rig_start(&rig, "rr", 0, 3);

	for (uint16_t i = 1; i <= 3; i++)
		assert_int_equal(tcp(i, SYN, L4_tx_new), i);
	down(&id, 2, true);
	/* the others' flows do not move */
	assert_int_equal(tcp(1, ACK, L4_tx_known), 1);
	assert_int_equal(tcp(3, ACK, L4_tx_known), 3);
	/* its flow does, and then stays; but not for a RST */
	(void)tcp(2, RST, L4_drop_stray_rst);
	assert_int_equal(tcp(2, ACK, L4_tx_moved), 1);
	assert_int_equal(tcp(2, ACK, L4_tx_known), 1);
	for (uint16_t i = 10; i < 20; i++)
		assert_int_not_equal(tcp(i, SYN, L4_tx_new), 2);
	down(&id, 2, false);
	assert_int_equal(tcp(2, ACK, L4_tx_known), 1);
	rig_check(&rig);
	down(&id, 1, true);
	down(&id, 2, true);
	down(&id, 3, true);
	(void)tcp(20, SYN, L4_drop_no_node);
	(void)tcp(21, ACK, L4_drop_no_node);
	down(&id, 3, false);
	assert_int_equal(tcp(3, ACK, L4_tx_known), 3); /* was kept */
}

/* Its process is gone, its host is not. */
static void
test_node_refuses(void **state)
{
	struct rules_id id = rig_start(&rig, "rr", 0, 3);

	for (uint16_t i = 1; i <= 3; i++)
		assert_int_equal(tcp(i, SYN, L4_tx_new), i);
	rig_find(&rig, &id, 2)->down = true;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(tcp(2, ACK, L4_tx_known), 2);
	assert_int_not_equal(tcp(2, SYN, L4_tx_new), 2);
	for (uint16_t i = 10; i < 20; i++)
		assert_int_not_equal(tcp(i, SYN, L4_tx_new), 2);
	rig_check(&rig);
}

/* Draining breaks nothing, nor does removing and adding again in time. */
static void
test_drain_remove_add(void **state)
{
	struct rules_id id = rig_start(&rig, "rr", 0, 2);
	struct rules_server one = *rig_find(&rig, &id, 1),
			    two = *rig_find(&rig, &id, 2);

	for (uint16_t i = 1; i <= 4; i++)
		assert_int_equal(tcp(i, SYN, L4_tx_new), 2 - i % 2);
	one.weight = 0;
	assert_int_equal(rules_server_edit(rig.rules, &id, &one), 0);
	assert_int_equal(rig_compile(&rig), 0);
	for (uint16_t i = 1; i <= 4; i++)
		assert_int_equal(tcp(i, ACK, L4_tx_known), 2 - i % 2);
	assert_int_equal(tcp(9, SYN, L4_tx_new), 2);
	assert_int_equal(
		rules_server_delete(rig.rules, &id, &one.addr, one.port, 1000),
		0);
	assert_int_equal(rig_compile(&rig), 0);
	(void)tcp(1, ACK, L4_drop_removed);
	assert_int_equal(tcp(2, ACK, L4_tx_known), 2);
	one.weight = 1;
	assert_int_equal(rules_server_add(rig.rules, &id, &one), 0);
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(tcp(1, ACK, L4_tx_known), 1);
	assert_int_equal(rig.rules->ntrash, 0);
	rig_check(&rig);

	/* nobody comes back: another one's number is not its number */
	assert_int_equal(
		rules_server_delete(rig.rules, &id, &two.addr, two.port, 1000),
		0);
	rig_server(&rig, &id, 7, 1);
	assert_int_equal(rig_compile(&rig), 0);
	(void)tcp(2, ACK, L4_drop_removed);
	assert_false(rules_sweep_trash(rig.rules, rig.model.counts, 1119));
	assert_false(rules_sweep_trash(rig.rules, rig.model.counts, 9999));
	rig_pass_time(&rig, 901);
	rig_sweep(&rig);
	assert_true(rules_sweep_trash(rig.rules, rig.model.counts, 9999));
}

static void
test_expire_nodest(void **state)
{
	struct rules_id id = rig_start(&rig, "rr", 0, 2);
	union l4_addr a = test_addr(0x0a000101, false);

	rig.model.ctl->flags = L4_CTL_EXPIRE_NODEST;
	if (rig.balancer)
		rig_program(&rig)->ctl->flags = L4_CTL_EXPIRE_NODEST;
	assert_int_equal(tcp(1, SYN, L4_tx_new), 1);
	assert_int_equal(
		rules_server_delete(rig.rules, &id, &a, id.port, 0), 0);
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(tcp(1, ACK, L4_tx_moved), 2);
}

static void
test_one_packet(void **state)
{
	struct frame_spec s = {.protocol = IPPROTO_UDP};
	struct rules_id id;

	rig_reset(&rig);
	id = rig_service(&rig, "rr", IPPROTO_UDP, false, L4_ONE_PACKET);
	rig_server(&rig, &id, 2, 1);
	rig_server(&rig, &id, 1, 1);
	assert_int_equal(rig_compile(&rig), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(
			rig_send(&rig, &s, L4_tx_one_packet), 1 + i % 2);
	rig_check(&rig);
	assert_null(flow());
}

/* A flood begins more flows than are remembered. Real clients' packets, before,
 * in and after it, go to one and the same node each. */
static void
test_flood(void **state)
{
	enum { REAL = 200, FLOOD = 20000 };
	int node[REAL];

	rig_start(&rig, "wlc", 0, 5);
	for (uint16_t i = 0; i < REAL / 2; i++) {
		node[i] = rig_tcp_from(&rig, 0x0a050000 + i, 7, SYN, L4_tx_new);
		(void)rig_tcp_from(&rig, 0x0a050000 + i, 7, ACK, L4_tx_known);
	}
	for (uint32_t i = 0; i < FLOOD; i++) {
		struct frame_spec s = {.client = 0x0b000000 + i * 2654435761u,
			.client_port = (uint16_t)i,
			.flags = SYN};
		struct frame in = frame_make(&s), out;
		enum l4_verdict v = rig_run(&rig, &in, &out);

		assert_true(v == L4_tx_new || v == L4_tx_untracked);
		if (i % (FLOOD / (REAL / 2)) == 0) {
			size_t k = REAL / 2 + i / (FLOOD / (REAL / 2));

			s.client = 0x0a060000 + (uint32_t)k;
			in = frame_make(&s);
			(void)rig_run(&rig, &in, &out);
			node[k] = out.b[5];
			s.flags = ACK;
			in = frame_make(&s);
			(void)rig_run(&rig, &in, &out);
			assert_int_equal(out.b[5], node[k]);
		}
		if (i % 1000 == 0)
			rig_pass_time(&rig, 0.01);
	}
	for (uint16_t i = 0; i < REAL / 2; i++)
		assert_int_equal(
			rig_tcp_from(&rig, 0x0a050000 + i, 7, ACK, L4_tx_known),
			node[i]);
	rig_check(&rig);
}

/* The table's memory, and that more flows than it is for do no harm. */
static void
test_full(void **state)
{
	struct l4_image i;

	l4_image_size(&i, 1, 4 << 20);
	assert_int_equal(
		(uint64_t)i.n_buckets * sizeof(struct l4_bucket) / (4 << 20),
		64);
	rig_start(&rig, "wlc", 0, 3);
	rig.model.ctl->new_max = 1 << 30;
	if (rig.balancer)
		rig_program(&rig)->ctl->new_max = 1 << 30;
	for (uint32_t k = 0; k < 4 * RIG_FLOWS; k++) {
		uint16_t port = (uint16_t)(k + 1);
		struct frame_spec s = {.client_port = port, .flags = SYN};
		struct frame in = frame_make(&s), out;
		uint8_t to;

		(void)rig_run(&rig, &in, &out);
		to = out.b[5];
		s.flags = ACK;
		in = frame_make(&s);
		(void)rig_run(&rig, &in, &out);
		/* without an entry, by the same hash all along */
		assert_int_equal(out.b[5], to);
	}
	rig_check(&rig);
}

/* The table grows under its flows: all are found, before, in the middle of it,
 * and after. */
static void
test_growth(void **state)
{
	rig_start(&rig, "rr", 0, 3);
	for (int i = 0; i < 2 && (i == 0 || rig.balancer); i++) {
		struct l4_ctl *ctl = (i ? rig_program(&rig) : &rig.model)->ctl;

		ctl->bucket_mask = ctl->old_mask = 63;
	}
	for (uint16_t k = 1; k <= 200; k++)
		assert_int_equal(tcp(k, SYN, L4_tx_new), 1 + (k - 1) % 3);
	for (int steps = 0; steps < 40; steps++) {
		uint16_t k = (uint16_t)(1 + 5 * steps);

		model_grow(&rig.model, 11);
		if (rig.balancer)
			model_grow(rig_program(&rig), 11);
		assert_int_equal(tcp(k, ACK, L4_tx_known), 1 + (k - 1) % 3);
	}
	assert_int_equal(rig.model.ctl->old_mask, 127);
	assert_int_equal(rig.model.ctl->bucket_mask, 127);
	for (uint16_t k = 1; k <= 200; k++)
		assert_int_equal(tcp(k, ACK, L4_tx_known), 1 + (k - 1) % 3);
	rig_check(&rig);
}

/* A process that finds the image goes on with the same numbers. */
static void
test_resume(void **state)
{
	struct rules_id id = rig_start(&rig, "rr", 0, 3);
	struct rules *again;

	assert_int_equal(tcp(1, SYN, L4_tx_new), 1);
	again = compile_read(&rig.model);
	assert_non_null(again);
	rules_free(rig.rules);
	rig.rules = again;
	assert_int_equal(rig.rules->services[0].servers[0].number, 3);
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(tcp(1, ACK, L4_tx_known), 1);
	assert_int_equal(tcp(2, SYN, L4_tx_new), 2);
	assert_true(rules_same_id(&rig.rules->services[0].id, &id));
	rig.model.notes[(rig.model.ctl->generation & 1) * L4_NOTES_MAX]
		.text[0] = 'x';
	assert_null(compile_read(&rig.model));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_node_down),
		cmocka_unit_test(test_node_refuses),
		cmocka_unit_test(test_drain_remove_add),
		cmocka_unit_test(test_expire_nodest),
		cmocka_unit_test(test_one_packet),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_resume),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
