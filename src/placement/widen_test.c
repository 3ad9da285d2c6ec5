#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>

#include "placement/widen.h"

enum { KEYS = 100, NODES = 16 };

static void
zipf(struct widen_key *keys, double alpha)
{
	double sum = 0;

	for (size_t i = 0; i < KEYS; i++)
		sum += pow((double)i + 1, -alpha);
	for (size_t i = 0; i < KEYS; i++)
		keys[i] = (struct widen_key){
			i, pow((double)i + 1, -alpha) / sum, 0};
}

static double
copies(const struct widen_key *keys)
{
	double sum = 0;

	for (size_t i = 0; i < KEYS; i++)
		sum += keys[i].r;
	return sum / KEYS;
}

/* The table of what is known of this: at a theta of 0.25, 1.22 copies and 7 of
 * the hottest for Zipf 0.7; 1.35 and 13 for Zipf 1. */
static void
test_known(void **state)
{
	struct widen_key keys[KEYS];

	zipf(keys, 0.7);
	assert_true(fabs(widen(keys, KEYS, NODES, 22) - 0.25) < 0.02);
	assert_int_equal(keys[0].r, 7);
	assert_true(fabs(copies(keys) - 1.22) < 0.011);
	zipf(keys, 1);
	assert_true(fabs(widen(keys, KEYS, NODES, 35) - 0.25) < 0.02);
	assert_int_equal(keys[0].r, 13);
	assert_true(fabs(copies(keys) - 1.35) < 0.011);
}

/* The budget is kept, whatever it is, and more popular keys never have less. */
static void
test_budget(void **state)
{
	struct widen_key keys[KEYS];

	for (double extra = 0; extra < 200; extra += 3.7) {
		zipf(keys, 0.9);
		widen(keys, KEYS, NODES, extra);
		assert_true(copies(keys) * KEYS - KEYS <= extra);
		for (size_t i = 1; i < KEYS; i++)
			assert_true(keys[i].r <= keys[i - 1].r);
		for (size_t i = 0; i < KEYS; i++)
			assert_in_range(keys[i].r, 1, NODES);
	}
}

static void
test_nothing_for_nothing(void **state)
{
	struct widen_key keys[KEYS];

	zipf(keys, 1);
	widen(keys, KEYS, NODES, 0);
	assert_true(copies(keys) == 1);
	widen(keys, 0, NODES, 10);
	zipf(keys, 1);
	widen(keys, KEYS, 1, 10);
	assert_true(copies(keys) == 1);
}

/* With room for all, the hottest is everywhere and the cold still alone. */
static void
test_plenty(void **state)
{
	struct widen_key keys[KEYS];

	zipf(keys, 1.2);
	assert_true(widen(keys, KEYS, NODES, 1e9) == (double)WIDEN_THETA_LEAST);
	assert_int_equal(keys[0].r, NODES);
	assert_int_equal(
		keys[99].r, (unsigned)ceil(keys[99].share * NODES / 0.05));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_nothing_for_nothing),
		cmocka_unit_test(test_plenty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
