#include "bench/hist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void
small_values_are_exact(void **state)
{
	struct hist h = {0};

	assert_int_equal(hist_quantile(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 50; v++)
		hist_add(&h, v);
	assert_int_equal(hist_quantile(&h, 0.5), 25);
	assert_int_equal(hist_quantile(&h, 0.9), 45);
	assert_int_equal(hist_quantile(&h, 1), 50);
	assert_int_equal(h.max, 50);
	assert_true(hist_mean(&h) == 25.5);
}

static void
large_values_are_at_most_a_32nd_too_high(void **state)
{
	static const uint64_t values[] = {63, 64, 65, 1000, 65535, 65536,
		123456789, UINT64_C(1) << 40, UINT64_MAX / 3, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct hist h = {0};
		uint64_t v = values[i];

		hist_add(&h, v);
		hist_add(&h, UINT64_MAX);
		uint64_t q = hist_quantile(&h, 0.5);
		assert_true(q >= v);
		assert_true(q - v <= v / 32);
	}
}

static void
a_quantile_never_passes_the_maximum(void **state)
{
	struct hist h = {0};

	hist_add(&h, 1000000);
	assert_int_equal(hist_quantile(&h, 0.99), 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(large_values_are_at_most_a_32nd_too_high),
		cmocka_unit_test(a_quantile_never_passes_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
