/* Whose clients are told that their server is down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/orphans.h"
#include "l4/test_rig.h"

static struct rig rig;

static void
note(void *ctx, const struct orphan *o)
{
	uint64_t *ports = ctx;
	union l4_addr client = test_addr(FRAME_CLIENT, false),
		      vip = test_addr(FRAME_VIP, false);

	assert_memory_equal(&o->client, &client, sizeof(client));
	assert_memory_equal(&o->vip, &vip, sizeof(vip));
	assert_int_equal(o->vip_port, FRAME_PORT);
	assert_in_range(o->client_port, 1, 63);
	assert_false(*ports >> o->client_port & 1); /* each once */
	*ports |= UINT64_C(1) << o->client_port;
}

/* Of the flows to that server, by steps of so many buckets: a bit per port. */
static uint64_t
orphans(uint16_t server, uint32_t step)
{
	uint64_t ports = 0;
	uint32_t from = 0;

	while (orphans_find(&rig.model, server, from, step, note, &ports))
		from += step;
	return ports;
}

static void
test_orphans(void **state)
{
	struct rules_id id;
	uint64_t want[3] = {0};

	rig_reset(&rig);
	id = rig_service(&rig, "rr", IPPROTO_TCP, false, 0);
	rig_server(&rig, &id, 2, 1); /* number 1 */
	rig_server(&rig, &id, 1, 1);
	assert_int_equal(rig_compile(&rig), 0);
	for (uint16_t port = 1; port < 64; port++) {
		int server = rig_tcp(&rig, port, SYN, L4_tx_new);

		/* One that is not established yet asks by himself; one that
		 * has ended has nothing to wait for. */
		if (port % 4 == 0)
			continue;
		(void)rig_tcp(&rig, port, ACK, L4_tx_known);
		if (port % 4 == 1)
			(void)rig_tcp(&rig, port, FIN | ACK, L4_tx_known);
		else
			want[3 - server] |= UINT64_C(1) << port;
	}
	assert_true(want[1] && want[2]);
	for (uint16_t server = 1; server <= 2; server++) {
		assert_true(orphans(server, UINT32_MAX) == want[server]);
		assert_true(orphans(server, 7) == want[server]);
	}
	assert_true(orphans(3, 100) == 0);
	rig_pass_time(&rig, 1000);
	assert_true(orphans(1, 100) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orphans),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
