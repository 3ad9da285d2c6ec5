#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "proxy/pace.h"

enum { RATE = 1000 };

/* Waits of a second, each ended by n bytes, with pauses of an hour in which
 * somebody else is waited for: after how many is it too slow? 0: never. */
static int
waits_until_slow(uint64_t n)
{
	struct pace p = {0};
	uint64_t now_ns = NS_PER_S;

	for (int i = 1; i <= 20; i++) {
		pace_wait(&p, now_ns);
		pace_wait(&p, now_ns + NS_PER_S / 2);
		now_ns += NS_PER_S;
		pace_moved(&p, now_ns, n);
		if (pace_is_slow(&p, now_ns, RATE))
			return i;
		now_ns += 3600 * NS_PER_S;
	}
	return 0;
}

static void
test_rates(void **state)
{
	assert_int_equal(waits_until_slow(1), PACE_WINDOW_S);
	assert_int_equal(waits_until_slow(RATE - 1), PACE_WINDOW_S);
	assert_int_equal(waits_until_slow(RATE), 0);
	assert_int_equal(waits_until_slow(UINT64_C(1) << 40), 0);
}

/* A burst is worth its window only. */
static void
test_windows(void **state)
{
	struct pace p = {0};
	uint64_t s = NS_PER_S;

	pace_wait(&p, s);
	pace_moved(&p, 2 * s, 1000000);
	pace_wait(&p, 2 * s);
	assert_false(pace_is_slow(&p, 3 * s, RATE));
	assert_false(pace_is_slow(&p, 4 * s, RATE));
	assert_false(pace_is_slow(&p, 6 * s, RATE));
	assert_true(pace_is_slow(&p, 7 * s, RATE));
	assert_false(pace_is_slow(&p, 7 * s, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
