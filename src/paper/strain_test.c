#include "paper/strain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void
the_first_line_is_all_cpus(void **state)
{
	struct strain_times t;

	assert_true(strain_parse(
		STR("cpu  10 20 30 400 50 6 7 80 9 9\ncpu0 1 1 1 1 1 1 1 1\n"),
		&t));
	assert_int_equal(t.idle, 450);
	assert_int_equal(t.steal, 80);
	/* Guests' time is in the user's already. */
	assert_int_equal(t.all, 10 + 20 + 30 + 400 + 50 + 6 + 7 + 80);
}

static void
other_texts_are_none(void **state)
{
	static const char *const texts[] = {"", "cpu", "cpu 1 2 3 4 5 6 7",
		"cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7 x",
		"cpu -1 2 3 4 5 6 7 8"};
	struct strain_times t = {1, 2, 3};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(strain_parse(str_z(texts[i]), &t));
	assert_int_equal(t.steal, 2);
}

static void
shares_are_of_what_passed(void **state)
{
	const struct strain_times a = {100, 10, 1000}, b = {150, 30, 1200};

	assert_float_equal(strain_idle(&a, &b), .25, 1e-9);
	assert_float_equal(strain_steal(&a, &b), .1, 1e-9);
	assert_float_equal(strain_idle(&a, &a), 0, 0);
}

static void
this_machine_tells(void **state)
{
	struct strain_times a;

	assert_int_equal(strain_read(&a), 0);
	assert_true(a.all > 0 && a.idle <= a.all);
}

static void
a_histogram_since(void **state)
{
	static struct hist a, b, since;

	for (uint64_t i = 1; i <= 100; i++)
		hist_add(&a, 1000000);
	b = a;
	for (uint64_t i = 1; i <= 100; i++)
		hist_add(&b, i);
	strain_since(&a, &b, &since);
	assert_int_equal(since.n, 100);
	assert_int_equal(since.sum, 5050);
	assert_in_range(hist_quantile(&since, .5), 50, 52);
	assert_in_range(hist_quantile(&since, .99), 99, 103);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_is_all_cpus),
		cmocka_unit_test(other_texts_are_none),
		cmocka_unit_test(shares_are_of_what_passed),
		cmocka_unit_test(this_machine_tells),
		cmocka_unit_test(a_histogram_since),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
