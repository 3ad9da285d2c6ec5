/* Which of the connections that were given to us the balancer is told of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "proxy/tenure.h"

static struct claims said;

static struct tenure *
begin(struct tenures *ts, uint16_t port, unsigned at_s)
{
	struct claim c = {.port = port};

	return tenure_begin(ts, &c, at_s * NS_PER_S);
}

/* The ports said, since what was said last. */
static void
expect(struct tenures *ts, unsigned at_s, const uint16_t *ports, size_t n)
{
	tenures_claim(ts, said.last, at_s * NS_PER_S, &said);
	assert_int_equal(said.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(said.v[i].port, ports[i]);
}

#define EXPECT(ts, at_s, ...)                                      \
	expect(ts, at_s, (const uint16_t[]){0, ##__VA_ARGS__} + 1, \
		sizeof((const uint16_t[]){0, ##__VA_ARGS__}) / 2 - 1)

static void
test_each_once(void **state)
{
	struct tenures *ts = tenures_new();
	struct tenure *one, *two, *three;

	said.last = 0;
	one = begin(ts, 1, 10);
	two = begin(ts, 2, 11);
	three = begin(ts, 3, 12);
	EXPECT(ts, 11);
	EXPECT(ts, 12, 1);
	EXPECT(ts, 12);
	tenure_end(ts, two); /* nobody has heard of it */
	EXPECT(ts, 20, 3);
	EXPECT(ts, 30);
	/* Whoever asks anew hears of all that are still here. */
	said.last = 0;
	EXPECT(ts, 30, 1, 3);
	tenure_end(ts, one);
	said.last = 0;
	EXPECT(ts, 30, 3);
	tenure_end(ts, three);
	said.last = 0;
	EXPECT(ts, 30);
	tenures_free(ts);
}

/* More than an answer has room for. */
static void
test_many(void **state)
{
	enum { MANY = 2 * CLAIMS_MAX + 100 };
	struct tenures *ts = tenures_new();
	struct tenure *t[MANY];
	size_t heard = 0;

	for (size_t i = 0; i < MANY; i++)
		t[i] = begin(ts, (uint16_t)i, 0);
	said.last = 0;
	for (int turn = 0; turn < 3; turn++) {
		tenures_claim(ts, said.last, 10 * NS_PER_S, &said);
		assert_int_equal(said.n, turn < 2 ? CLAIMS_MAX : 100);
		for (size_t i = 0; i < said.n; i++)
			assert_int_equal(said.v[i].port, heard++);
		/* What ends meanwhile has no effect on what is to come. */
		tenure_end(ts, t[heard - 1]);
		t[heard - 1] = NULL;
	}
	EXPECT(ts, 10);
	for (size_t i = 0; i < MANY; i++)
		tenure_end(ts, t[i]);
	tenures_free(ts);
}

/* Numbers are given to other things, too. */
static void
test_numbers(void **state)
{
	struct tenures *ts = tenures_new();
	uint64_t number = tenures_number(ts);

	said.last = 0;
	(void)begin(ts, 1, 0);
	EXPECT(ts, 10, 1);
	assert_true(said.last == number + 1);
	assert_true(tenures_number(ts) == number + 2);
	(void)begin(ts, 2, 10);
	EXPECT(ts, 20, 2);
	EXPECT(ts, 20);
	assert_true(said.last == number + 3);
	tenures_free(ts);
}

/* A process that knows of numbers which ours has not come to. */
static void
test_clock_went_back(void **state)
{
	struct tenures *ts = tenures_new();

	(void)begin(ts, 1, 0);
	said.last = UINT64_MAX;
	EXPECT(ts, 10, 1);
	EXPECT(ts, 10);
	tenures_free(ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_clock_went_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
