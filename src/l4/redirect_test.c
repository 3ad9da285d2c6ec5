/* Flows that have moved to another server: what may be, and that counts move
 * with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/addr.h"
#include "l4/redirect.h"
#include "l4/test_rig.h"

static struct rig rig;

static uint16_t
number(const struct rules_id *id, uint8_t n)
{
	union l4_addr addr = test_addr(0x0a000100u + n, id->v6);

	return rules_server(rules_find(rig.rules, id), &addr, id->port)->number;
}

/* A connection in its midst. The server that has it. */
static int
open_flow(uint16_t port)
{
	int server = rig_tcp(&rig, port, SYN, L4_tx_new);

	for (int i = 0; i < 9; i++)
		assert_int_equal(rig_tcp(&rig, port, ACK, L4_tx_known), server);
	return server;
}

static enum redirect
redirect_from(uint16_t port, uint16_t from, uint16_t server)
{
	struct frame_spec spec = {.client_port = port};
	struct frame f = frame_make(&spec);
	struct redirect_flow to = {
		.vip = test_addr(FRAME_VIP, false),
		.vip_port = FRAME_PORT,
		.client_port = port,
		.server = server,
		.from = from,
		.packets = from ? REDIRECT_JUST_NOW : REDIRECT_LASTING,
	};
	enum redirect r;

	/* the source, from behind the Ethernet header */
	(void)addr_from(AF_INET, f.b + 14 + 12, 4, &to.client);
	r = redirect_flow(&rig.model, &to);
	if (rig_program(&rig))
		assert_int_equal(redirect_flow(rig_program(&rig), &to), r);
	rig_check(&rig);
	return r;
}

static enum redirect
redirect_to(uint16_t port, uint16_t server)
{
	return redirect_from(port, 0, server);
}

static void
count_is(uint16_t n, int active, int inactive)
{
	const struct l4_count *c = &rig.model.counts[n];

	assert_int_equal(c->active, active);
	assert_int_equal(c->inactive, inactive);
}

static void
test_moves(void **state)
{
	struct rules_id id = rig_start(&rig, "wlc", 0, 2);
	int first = open_flow(1), other = 3 - first;
	uint16_t from = number(&id, (uint8_t)first),
		 to = number(&id, (uint8_t)other);

	count_is(from, 1, 0);
	assert_int_equal(redirect_to(1, to), REDIRECT_done);
	count_is(from, 0, 0);
	count_is(to, 1, 0);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), other);
	assert_int_equal(redirect_to(1, to), REDIRECT_same);
	/* the scheduler knows: the next one is for whoever has none now */
	assert_int_equal(rig_tcp(&rig, 2, SYN, L4_tx_new), first);
	/* its end counts where it is */
	assert_int_equal(rig_tcp(&rig, 1, FIN | ACK, L4_tx_known), other);
	count_is(to, 0, 1);
	rig_pass_time(&rig, 130);
	rig_sweep(&rig);
	count_is(to, 0, 0);
	rig_check(&rig);
}

/* Neither what hardly began, nor what ended, nor what nobody knows. */
static void
test_no_flow(void **state)
{
	struct rules_id id = rig_start(&rig, "wlc", 0, 2);
	int first = rig_tcp(&rig, 1, SYN, L4_tx_new);
	uint16_t to = number(&id, (uint8_t)(3 - first));

	assert_int_equal(redirect_to(1, to), REDIRECT_no_flow);
	for (int i = 0; i < 7; i++) {
		(void)rig_tcp(&rig, 1, ACK, L4_tx_known);
		assert_int_equal(redirect_to(1, to), REDIRECT_no_flow);
	}
	assert_int_equal(redirect_to(2, to), REDIRECT_no_flow);
	(void)rig_tcp(&rig, 1, ACK, L4_tx_known);
	(void)rig_tcp(&rig, 1, FIN | ACK, L4_tx_known);
	assert_int_equal(redirect_to(1, to), REDIRECT_no_flow);
	/* The client's port again, for another connection. */
	(void)rig_tcp(&rig, 1, SYN, L4_tx_new);
	assert_int_equal(redirect_to(1, to), REDIRECT_no_flow);
	/* It has been silent for too long. */
	(void)open_flow(3);
	rig_pass_time(&rig, 1000);
	assert_int_equal(redirect_to(3, to), REDIRECT_no_flow);
}

/* It need not have lasted, if it is known where it was. */
static void
test_just_now(void **state)
{
	struct rules_id id = rig_start(&rig, "wlc", 0, 3);
	int first = rig_tcp(&rig, 1, SYN, L4_tx_new), to = first % 3 + 1;
	uint16_t from = number(&id, (uint8_t)first),
		 then = number(&id, (uint8_t)to),
		 third = number(&id, (uint8_t)(to % 3 + 1));

	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			redirect_from(1, from, then), REDIRECT_no_flow);
		(void)rig_tcp(&rig, 1, ACK, L4_tx_known);
	}
	assert_int_equal(redirect_from(1, third, then), REDIRECT_elsewhere);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), first);
	assert_int_equal(redirect_from(1, from, then), REDIRECT_done);
	count_is(from, 0, 0);
	count_is(then, 1, 0);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), to);
	assert_int_equal(redirect_from(1, from, then), REDIRECT_same);
	/* And on; what was said of it before is late. */
	assert_int_equal(redirect_from(1, then, third), REDIRECT_done);
	assert_int_equal(redirect_from(1, from, then), REDIRECT_elsewhere);
	(void)rig_tcp(&rig, 1, FIN | ACK, L4_tx_known);
	assert_int_equal(redirect_from(1, third, from), REDIRECT_no_flow);
}

/* Where it may not go. */
static void
test_no_server(void **state)
{
	struct rules_id id = rig_start(&rig, "wlc", 0, 2), udp;
	struct rules_server *s;
	int first = open_flow(1);
	uint8_t other = (uint8_t)(3 - first);
	uint16_t to = number(&id, other);

	udp = rig_service(&rig, "rr", IPPROTO_UDP, false, 0);
	rig_server(&rig, &udp, 3, 1);
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(redirect_to(1, number(&udp, 3)), REDIRECT_no_server);
	assert_int_equal(redirect_to(1, 0), REDIRECT_no_server);
	assert_int_equal(redirect_to(1, UINT16_MAX), REDIRECT_no_server);
	s = rules_server(rules_find(rig.rules, &id),
		&(union l4_addr){
			.w = {0, 0, htonl(0xffff), htonl(0x0a000100u + other)}},
		id.port);
	s->down = s->lost = true;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(redirect_to(1, to), REDIRECT_no_server);
	s->down = s->lost = false;
	s->method = L4_TUNNEL;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(redirect_to(1, to), REDIRECT_no_server);
	s->method = L4_ROUTE;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), first);
	/* One that is drained may have it. */
	s->weight = 0;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(redirect_to(1, to), REDIRECT_done);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), other);
}

/* What it is for: the first server dies, and the connection goes on. */
static void
test_first_dies(void **state)
{
	struct rules_id id = rig_start(&rig, "wlc", 0, 3);
	int first = open_flow(1), other = first % 3 + 1;
	uint16_t from = number(&id, (uint8_t)first);

	assert_int_equal(
		redirect_to(1, number(&id, (uint8_t)other)), REDIRECT_done);
	for (size_t i = 0; i < rig.rules->services[0].nservers; i++)
		if (rig.rules->services[0].servers[i].number == from)
			rig.rules->services[0].servers[i].down = true;
	assert_int_equal(rig_compile(&rig), 0);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), other);
	rig_check(&rig);
}

/* In a table that grows: it may still be where it was. */
static void
test_growth(void **state)
{
	struct rules_id id = rig_start(&rig, "wlc", 0, 2);
	struct l4_image *images[] = {&rig.model, rig_program(&rig)};
	uint16_t to;
	int first;

	for (int i = 0; i < 2 && images[i]; i++)
		images[i]->ctl->bucket_mask = images[i]->ctl->old_mask = 63;
	first = open_flow(1);
	to = number(&id, (uint8_t)(3 - first));
	for (int i = 0; i < 2 && images[i]; i++)
		images[i]->ctl->bucket_mask = 127;
	assert_int_equal(redirect_to(1, to), REDIRECT_done);
	for (int i = 0; i < 2 && images[i]; i++)
		model_grow(images[i], UINT32_MAX);
	assert_int_equal(rig.model.ctl->old_mask, 127);
	assert_int_equal(redirect_to(1, to), REDIRECT_same);
	assert_int_equal(rig_tcp(&rig, 1, ACK, L4_tx_known), 3 - first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_no_flow),
		cmocka_unit_test(test_just_now),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_first_dies),
		cmocka_unit_test(test_growth),
	};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
