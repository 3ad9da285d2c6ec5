#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "placement/census.h"

#define ROSTER                         \
	"n1 10.0.0.11 1 0 in 0\n"      \
	"n2 10.0.0.12 2 0 drained 1\n" \
	"n3 10.0.0.13 1 0 gone 2\n"

static bool
parse(const char *text, struct census *out)
{
	return census_parse(str_z(text), out);
}

static void
test_there_and_back(void **state)
{
	static const char *const texts[] = {
		"\n" ROSTER,
		"down n2\n\n" ROSTER,
		"down n1\ndown n3\n\n" ROSTER,
	};

	for (int i = 0; i < 3; i++) {
		struct buf b = {0};
		struct census c;

		assert_true(parse(texts[i], &c));
		assert_int_equal(c.roster.n, 3);
		assert_int_equal(c.down[0], i == 2);
		assert_int_equal(c.down[1], i == 1);
		census_put(&c, &b);
		assert_true(str_eq(buf_view(&b), str_z(texts[i])));
		buf_fini(&b);
	}
}

static void
test_no_sense(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"\n\n",
		ROSTER,
		"down n2\n" ROSTER,
		"down\n\n" ROSTER,
		"down n4\n\n" ROSTER,
		"down n1 n2\n\n" ROSTER,
		"up n1\n\n" ROSTER,
		"down n1\n\nn1 10.0.0.11 1 0 in",
	};
	struct census c = {.roster.n = 7};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(parse(texts[i], &c));
		assert_int_equal(c.roster.n, 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
