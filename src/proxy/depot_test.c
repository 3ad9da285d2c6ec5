/* When a connection of a depot is free for another body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/test_loop.h"
#include "proxy/depot.h"
#include "proxy/test_object.h"

enum { BYTES = 60000 };

static const struct tickets tickets = {"only we know them"};
static struct node node;
static struct worker worker = {.node = &node};
static struct depot *depot;
static struct flight *flight;
static int peer; /* his end of the only connection */

static int
set_up(void **state)
{
	struct hello h = {.bulk = 1, .key = ticket_of(&tickets, 1)};
	int fd[2];

	(void)state;
	pthread_mutex_init(&node.depots_lock, NULL);
	list_init(&node.depots);
	node.store = store_new(1 << 24);
	worker.loop = loop_new();
	depot = depot_open(&worker, 3, &tickets);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) < 0)
		return -1;
	peer = fd[0];
	depot_deliver(&node, 3, &h, fd[1]);
	test_let_run(worker.loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	depot_close(depot);
	test_let_run(worker.loop);
	exchange_drop_spares(&worker);
	loop_free(worker.loop);
	flight_unref(flight);
	store_free(node.store);
	pthread_mutex_destroy(&node.depots_lock);
	close(peer);
	return 0;
}

/* A body on its way, of which the first n bytes are there. */
static void
send_first(size_t n)
{
	struct exchange *x = exchange_get(&worker);

	flight = flight_new(&node.flight);
	flight_ready(
		flight, &(struct response){.status = 200, .length = BYTES});
	test_append(&flight->body, 0, n);
	assert_int_equal(
		exchange_read_flight(x, flight_ref(flight), FROM_JOIN), 0);
	assert_int_equal(depot_find(depot), 1);
	depot_send(depot, 1, x, BYTES);
	assert_int_equal(depot_find(depot), 0);
}

static void
assert_taken(size_t n)
{
	char room[BYTES];
	size_t got = 0;
	ssize_t r;

	while ((r = recv(peer, room, sizeof(room), 0)) > 0)
		for (ssize_t i = 0; i < r; i++)
			assert_int_equal(room[i], test_byte(got++));
	assert_int_equal(got, n);
}

static void
test_ended(void **state)
{
	(void)state;
	send_first(BYTES);
	flight_end(flight, STR(""));
	test_let_run(worker.loop);
	assert_taken(BYTES);
	assert_true(depot_free(depot, 1));
	assert_int_equal(depot_find(depot), 1);
}

/* The peer has all of it before whoever fetches it has said that this is the
 * end. */
static void
test_about_to_end(void **state)
{
	(void)state;
	send_first(BYTES);
	test_let_run(worker.loop);
	assert_taken(BYTES);
	assert_true(depot_free(depot, 1));
	assert_int_equal(depot_find(depot), 1);
	flight_end(flight, STR(""));
	test_let_run(worker.loop);
	assert_int_equal(depot_find(depot), 1);
}

/* He can't have what was not sent. */
static void
test_under_way(void **state)
{
	(void)state;
	send_first(BYTES - 1);
	test_let_run(worker.loop);
	assert_taken(BYTES - 1);
	assert_false(depot_free(depot, 1));
}

/* Of a connection that was lost meanwhile. */
static void
test_failed(void **state)
{
	(void)state;
	send_first(BYTES - 1);
	flight_fail(flight, 502, "it broke off");
	test_let_run(worker.loop);
	assert_true(depot_free(depot, 1));
	assert_int_equal(depot_find(depot), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
		TEST(test_ended),
		TEST(test_about_to_end),
		TEST(test_under_way),
		TEST(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
