#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/list.h"

static void
test_list(void **state)
{
	struct str rest = STR(" a ,, b=\"x, \\\" y\" ,\t, c, \"open, d");
	struct str e;

	assert_true(list_next(&rest, &e) && str_eq(e, STR("a")));
	assert_true(list_next(&rest, &e) && str_eq(e, STR("b=\"x, \\\" y\"")));
	assert_true(list_next(&rest, &e) && str_eq(e, STR("c")));
	assert_true(list_next(&rest, &e) && str_eq(e, STR("\"open, d")));
	assert_false(list_next(&rest, &e));
	rest = STR("\"\\");
	assert_true(list_next(&rest, &e) && str_eq(e, STR("\"\\")));
	assert_false(list_next(&rest, &e));
}

static void
test_whole(void **state)
{
	assert_true(list_is_whole(STR("")));
	assert_true(list_is_whole(STR("for=\"_a, b\";by=c, for=\"\\\"\"")));
	assert_false(list_is_whole(STR("for=\"a")));
	assert_false(list_is_whole(STR("for=\"a\\\"")));
	assert_false(list_is_whole(STR("for=\"a\\")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
