#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/damp.h"

static uint64_t
hold_s(struct damp *d, uint64_t now_ns)
{
	damp_rise(d, now_ns);
	assert_true(d->until_ns >= now_ns);
	assert_true(damp_is_over(d, d->until_ns));
	assert_true(now_ns == d->until_ns || !damp_is_over(d, now_ns));
	return (d->until_ns - now_ns) / NS_PER_S;
}

static void
test_doubles(void **state)
{
	static const uint64_t expected[] = {0, 1, 2, 4, 8, 16, 32, 64, 64, 64};
	struct damp d = {0};
	uint64_t now = 1000 * NS_PER_S;

	assert_int_equal(hold_s(&d, now), 0); /* never fell */
	for (size_t i = 0; i < 10; i++) {
		damp_fall(&d, now += 100 * NS_PER_S);
		assert_int_equal(hold_s(&d, now += NS_PER_S), expected[i]);
	}
}

static void
test_forgets(void **state)
{
	struct damp d = {0};
	uint64_t now = NS_PER_S;

	damp_fall(&d, now);
	damp_fall(&d, now + 1);
	assert_int_equal(hold_s(&d, now + 2), 1);
	damp_fall(&d, now + 1 + DAMP_MEMORY_NS);
	assert_int_equal(hold_s(&d, now + 2 + DAMP_MEMORY_NS), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
