/* Templates: what keeps a client's connections at one server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/test_rig.h"

static struct rig rig;

static void
test_persistence(void **state)
{
	struct rules_id id = rig_start(&rig, "rr", L4_PERSISTENT, 3);
	struct rules_service *s = rules_find(rig.rules, &id);
	struct rules_server one = *rig_find(&rig, &id, 1);

	s->mask = test_mask(24, false);
	s->persist_s = 100;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(rig_tcp_from(&rig, 0x0a000001, 1, SYN, L4_tx_new), 1);
	assert_int_equal(rig_tcp_from(&rig, 0x0a0000fe, 2, SYN, L4_tx_new), 1);
	assert_int_equal(rig_tcp_from(&rig, 0x0a000301, 1, SYN, L4_tx_new), 2);
	assert_int_equal(rig_tcp_from(&rig, 0x0a000001, 3, SYN, L4_tx_new), 1);
	assert_int_equal(rig.model.counts[3].templates, 1);
	/* a drained server keeps its clients, unless that is not wanted */
	one.weight = 0;
	assert_int_equal(rules_server_edit(rig.rules, &id, &one), 0);
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(rig_tcp_from(&rig, 0x0a000001, 4, SYN, L4_tx_new), 1);
	/* the template lasts as long as a flow that it speaks for */
	(void)rig_tcp_from(&rig, 0x0a000001, 4, ACK, L4_tx_known);
	rig_pass_time(&rig, 200);
	rig_sweep(&rig);
	assert_int_equal(rig.model.counts[3].templates, 1);
	assert_int_equal(rig_tcp_from(&rig, 0x0a000002, 5, SYN, L4_tx_new), 1);
	rig_pass_time(&rig, 1000);
	rig_sweep(&rig); /* its flows ... */
	rig_sweep(&rig); /* and then itself */
	assert_int_equal(rig.model.counts[3].templates, 0);
	assert_int_not_equal(
		rig_tcp_from(&rig, 0x0a000001, 6, SYN, L4_tx_new), 1);
	rig_check(&rig);
}

/* One mark, two ports: one template, so one server for both. */
static void
test_mark(void **state)
{
	struct rules_service s = {.id = {.mark = 7},
		.scheduler = L4_rr,
		.flags = L4_PERSISTENT,
		.persist_s = 360,
		.mask = test_mask(32, false)};
	struct rules_end a = {test_addr(FRAME_VIP, false), 80, IPPROTO_TCP};
	struct rules_end b = {test_addr(FRAME_VIP, false), 443, IPPROTO_TCP};
	struct frame_spec to80 = {.flags = SYN}, to443 = {.flags = SYN};
	int first;

	rig_reset(&rig);
	assert_int_equal(rules_add(rig.rules, &s), 0);
	assert_int_equal(rules_end_add(rig.rules, &s.id, &a), 0);
	assert_int_equal(rules_end_add(rig.rules, &s.id, &b), 0);
	for (uint8_t i = 1; i <= 3; i++)
		rig_server(&rig, &s.id, i, 1);
	assert_int_equal(rig_compile(&rig), 0);
	to443.port = 443;
	first = rig_send(&rig, &to80, L4_tx_new);
	assert_int_equal(rig_send(&rig, &to443, L4_tx_new), first);
	to80.client = 0x0a000002;
	assert_int_not_equal(rig_send(&rig, &to80, L4_tx_new), first);
	rig_check(&rig);
}

static void
test_any_port(void **state)
{
	struct frame_spec s = {.flags = SYN, .port = 5555};
	struct rules_id id;
	int first;

	rig_reset(&rig);
	id = test_id(FRAME_VIP, 0, IPPROTO_TCP, false);
	assert_int_equal(
		rules_add(rig.rules,
			&(struct rules_service){.id = id, .scheduler = L4_rr}),
		-EINVAL);
	assert_int_equal(rules_add(rig.rules,
				 &(struct rules_service){.id = id,
					 .scheduler = L4_rr,
					 .flags = L4_PERSISTENT,
					 .persist_s = 360,
					 .mask = test_mask(32, false)}),
		0);
	rig_server(&rig, &id, 1, 1);
	rig_server(&rig, &id, 2, 1);
	assert_int_equal(rig_compile(&rig), 0);
	first = rig_send(&rig, &s, L4_tx_new);
	s.port = 80;
	assert_int_equal(rig_send(&rig, &s, L4_tx_new), first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_persistence),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_any_port),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
