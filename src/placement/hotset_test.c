#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/hotset.h"

enum { NODES = 16 };

/* Key 1 with that share, and key 2 with 0.3; the rest is many others'. */
static struct hotset *
next(struct hotset *before, double share)
{
	struct widen_key keys[] = {{1, share, 0}, {2, .3, 0}};
	struct hotset *now =
		hotset_next(before, keys, share > 0 ? 2 : 0, NODES, 1000);

	free(before);
	return now;
}

static unsigned
width(const struct hotset *s, uint64_t key)
{
	const struct hot *h = hotset_find(s, key);

	return h ? h->r : 1;
}

static void
test_widens_at_once(void **state)
{
	struct hotset *s = next(NULL, 0.01);

	assert_int_equal(width(s, 1), 4);
	assert_int_equal(width(s, 2), 16);
	assert_int_equal(width(s, 3), 1);
	assert_int_equal(hotset_extra(s), 3 + 15);
	s = next(s, 0.02);
	assert_int_equal(width(s, 1), 7);
	free(s);
}

/* Fewer nodes hold it only when fewer would have done for a while. */
static void
test_narrows_by_and_by(void **state)
{
	struct hotset *s = next(NULL, 0.02);

	for (int i = 0; i < HOTSET_COOL - 1; i++) {
		s = next(s, 0.01);
		assert_int_equal(width(s, 1), 7);
	}
	s = next(s, 0.02); /* but no: begin anew */
	for (int i = 0; i < HOTSET_COOL - 1; i++) {
		s = next(s, 0.01);
		assert_int_equal(width(s, 1), 7);
	}
	s = next(s, 0.01);
	assert_int_equal(width(s, 1), 4);
	free(s);
}

/* The same for keys that nobody tells of any more. */
static void
test_forgets(void **state)
{
	struct hotset *s = next(NULL, 0.02);

	for (int i = 0; i < HOTSET_COOL - 1; i++) {
		s = next(s, 0);
		assert_int_equal(width(s, 1), 7);
		assert_int_equal(width(s, 2), 16);
	}
	s = next(s, 0);
	assert_int_equal(s->n, 0);
	free(s);
}

/* However popularity wanders, about as many copies as the budget allows: what
 * is yet to be narrowed leaves the less for others. */
static void
test_keeps_the_budget(void **state)
{
	struct widen_key keys[100];
	struct hotset *s = NULL;

	for (unsigned step = 0; step < 60; step++) {
		struct hotset *before = s;

		for (unsigned i = 0; i < 100; i++)
			keys[i] = (struct widen_key){i,
				1.0 / (5.2 * ((i + 7 * (step / 10)) % 100 + 1)),
				0};
		s = hotset_next(before, keys, 100, NODES, 35);
		free(before);
		/* once the old ones have gone */
		if (step % 10 == 9)
			assert_true(hotset_extra(s) <= 36);
		assert_true(hotset_extra(s) <= 70);
	}
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widens_at_once),
		cmocka_unit_test(test_narrows_by_and_by),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_keeps_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
