/* What is remembered of sizes, and what is made of waiting. */
#include "proxy/advice.h"
#include "proxy/scarcity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void
test_sizes(void **state)
{
	static struct advice a;
	uint64_t hash = UINT64_C(0x123456789abcdef0);

	(void)state;
	assert_false(advice_is_large(&a, hash, 1));
	assert_false(advice_is_large(&a, 0, 1));
	advice_learn(&a, hash, 100000);
	assert_true(advice_is_large(&a, hash, 65536));
	/* Less than twice as large is not told apart. */
	assert_false(advice_is_large(&a, hash, 65537));
	assert_false(advice_is_large(&a, hash ^ 1ull << 60, 1024));
	advice_learn(&a, hash, 200);
	assert_true(advice_is_large(&a, hash, 128));
	assert_false(advice_is_large(&a, hash, 1024));
	advice_learn(&a, hash, UINT64_MAX);
	assert_true(advice_is_large(&a, hash, UINT64_C(1) << 35));
	advice_learn(&a, hash, 0);
	assert_false(advice_is_large(&a, hash, 1));
}

static void
look(struct scarcity *s, unsigned n, double least_us, double busy)
{
	while (n--) {
		/* The mean says nothing of links. */
		scarcity_look_at_links(s, (struct wait){50000, least_us});
		scarcity_look_at_processors(s, busy, 0);
	}
}

static void
test_scarcity(void **state)
{
	struct scarcity s = {0};

	(void)state;
	look(&s, 100, 300, 0.5);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_CPU_BYTES);
	/* One long wait is an accident. */
	look(&s, 1, 5000, 0.5);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_CPU_BYTES);
	look(&s, 20, 5000, 0.5);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_LINK_BYTES);
	look(&s, 20, 1000, 0.5);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_LINK_BYTES);
	look(&s, 20, 1000, 1);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_BOTH_BYTES);
	look(&s, 20, 100, 1);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_CPU_BYTES);
	/* Others have the processors. */
	s = (struct scarcity){0};
	look(&s, 20, 5000, 0.1);
	for (int i = 0; i < 20; i++)
		scarcity_look_at_processors(&s, 0.1, 1);
	assert_int_equal(scarcity_threshold(&s), SCARCITY_BOTH_BYTES);
}

static void
test_excess(void **state)
{
	assert_true(scarcity_excess(0, 0) == 0);
	assert_true(scarcity_excess(100, 100) == 0);
	assert_true(scarcity_excess(110, 100) > 0);
	assert_true(scarcity_excess(110, 100) < 0.1);
	assert_true(scarcity_excess(90, 100) < 0);
	assert_true(scarcity_excess(90, 100) > -0.1);
	assert_true(scarcity_excess(1e9, 1) <= 0.25);
	assert_true(scarcity_excess(0, 1e9) >= -0.25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_scarcity),
		cmocka_unit_test(test_excess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
