/*
 * Origins: whose turn it is, and how failures, answers and checks change that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/origin.h"

static const char *const hosts[] = {"a.test"};
static const struct node_origin three[] = {
	{"o1", 80, 5}, {"o2", 80, 1}, {"o3", 80, 1}};
static const struct node_site site = {
	.hosts = hosts,
	.nhosts = 1,
	.origins = three,
	.norigins = 3,
	.check_fall = 2,
	.check_rise = 2,
};

static struct origins origins;
static int turns[3];

static int
setup(void **state)
{
	memset(turns, 0, sizeof(turns));
	origins_init(&origins, &site);
	return 0;
}

static int
teardown(void **state)
{
	origins_fini(&origins);
	return 0;
}

/* Who is chosen at that second by a request that has been at some. */
static int
choose(uint64_t now_s, uint64_t tried)
{
	struct origin *o =
		origins_choose(&origins, turns, tried, now_s * NS_PER_S);

	return o ? (int)(o - origins.v) : -1;
}

static void
origin_fails(int i, uint64_t now_s)
{
	origin_failed(&origins.v[i], now_s * NS_PER_S, "test");
}

static void
fails_often(int i, uint64_t now_s)
{
	for (int n = 0; n < 3; n++)
		origin_fails(i, now_s);
}

static void
check(int i, uint64_t now_s, bool fine)
{
	origin_checked(&origins.v[i], now_s * NS_PER_S, fine ? NULL : "test");
}

/* nginx's own example: a a b a c a a */
static void
test_turns(void **state)
{
	static const int order[] = {0, 0, 1, 0, 2, 0, 0};

	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 7; i++)
			assert_int_equal(choose(1, 0), order[i]);
}

static void
test_others(void **state)
{
	assert_int_equal(choose(1, 1), 1);
	assert_int_equal(choose(1, 1 | 2), 2);
	assert_int_equal(choose(1, 7), -1);
}

static void
test_out_and_back(void **state)
{
	origin_fails(0, 10);
	origin_fails(0, 10);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_UP);
	origin_answered(&origins.v[0]); /* not in a row, then */
	origin_fails(0, 10);
	origin_fails(0, 10);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_UP);
	origin_fails(0, 10);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_OUT);
	for (int i = 0; i < 9; i++)
		assert_int_not_equal(choose(10, 0), 0);
	/* one request tries it */
	assert_int_equal(choose(11, 0), 0);
	for (int i = 0; i < 9; i++)
		assert_int_not_equal(choose(11, 0), 0);
	origin_answered(&origins.v[0]);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_UP);
	assert_int_equal(choose(11, 0), 0);
}

/* The second at which it is tried next, from now_s on. */
static uint64_t
next_try(uint64_t now_s)
{
	while (choose(now_s, 2 | 4) != 0)
		now_s++;
	return now_s;
}

static void
test_backoff(void **state)
{
	static const uint64_t waits_s[] = {1, 2, 4, 8, 16, 30, 30};
	uint64_t now_s = 10;

	fails_often(0, now_s);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		uint64_t next_s = next_try(now_s);

		assert_int_equal(next_s - now_s, waits_s[i]);
		now_s = next_s;
		origin_fails(0, now_s);
		/* who asked long ago does not make it worse */
		origin_fails(0, now_s);
	}
	origin_answered(&origins.v[0]);
	fails_often(0, now_s);
	assert_int_equal(next_try(now_s) - now_s, 1);
}

/* Whoever tried it left before it answered: somebody else tries it. */
static void
test_abandoned_try(void **state)
{
	fails_often(0, 10);
	assert_int_equal(next_try(11), 11);
	assert_int_equal(next_try(11), 12);
}

static void
test_all_out(void **state)
{
	for (int i = 0; i < 3; i++)
		check(i, 10 + (uint64_t)i, false);
	assert_int_equal(choose(13, 0), 0);
	check(0, 13, false);
	assert_int_equal(choose(13, 0), 1);
	assert_int_equal(choose(13, 2), -1);
}

static void
test_checks(void **state)
{
	check(0, 1, true);
	check(0, 2, false);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_UP);
	check(0, 3, false);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_DOWN);
	fails_often(0, 3);
	for (uint64_t s = 3; s < 99; s++)
		assert_int_not_equal(choose(s, 0), 0);
	check(0, 4, true);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_DOWN);
	/* with its checks, its other failures are forgotten */
	check(0, 5, true);
	assert_int_equal(origin_state(&origins.v[0]), ORIGIN_UP);
	assert_int_equal(choose(5, 0), 0);
	/* the first check decides */
	check(1, 5, false);
	assert_int_equal(origin_state(&origins.v[1]), ORIGIN_DOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_out_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backoff, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_abandoned_try, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checks, setup, teardown),
	};

	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
