#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "proxy/rumours.h"

static void
hear(struct rumours *r, uint64_t number, uint32_t load)
{
	rumours_hear(r, 3, &(struct news){.number = number, .load = load});
}

static void
assert_load(const struct rumours *r, uint32_t want)
{
	uint32_t load;

	assert_true(rumours_load(r, 3, &load));
	assert_int_equal(load, want);
}

static void
test_old_news_is_ignored(void **state)
{
	static struct rumours r;

	rumours_init(&r);
	hear(&r, 10, 1);
	hear(&r, 9, 2);
	hear(&r, 10, 3);
	assert_load(&r, 1);
	hear(&r, 11, 4);
	assert_load(&r, 4);
	rumours_fini(&r);
}

static void
test_whoever_was_silent_may_begin_again(void **state)
{
	static struct rumours r;

	rumours_init(&r);
	hear(&r, 10, 1);
	r.v[3].heard_ns -= 6 * NS_PER_S;
	hear(&r, 2, 5);
	assert_load(&r, 5);
	hear(&r, 1, 6);
	assert_load(&r, 5);
	rumours_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_news_is_ignored),
		cmocka_unit_test(test_whoever_was_silent_may_begin_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
