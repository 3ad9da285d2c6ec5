#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "http/tags.h"

#define FIELDS                                                   \
	STR("Cache-Tag: a, b c ,,d\r\nDate: e\r\nCache-Tag:\r\n" \
	    "surrogate-key:  f  g,h\r\nX-Cache-Tag: i\r\ncache-tag: A\r\n")

static void
test_next(void **state)
{
	struct tags t = tags_in(FIELDS);
	struct buf b = {0};
	struct str tag;

	while (tags_next(&t, &tag)) {
		buf_str(&b, tag);
		buf_z(&b, "|");
	}
	assert_true(str_eq(buf_view(&b), STR("a|b c|d|f|g,h|A|")));
	assert_false(tags_next(&t, &tag));
	buf_fini(&b);
	t = tags_in((struct str){0});
	assert_false(tags_next(&t, &tag));
}

static void
test_have(void **state)
{
	assert_true(tags_have(FIELDS, STR("a")));
	assert_true(tags_have(FIELDS, STR("b c")));
	assert_true(tags_have(FIELDS, STR("g,h")));
	assert_true(tags_have(FIELDS, STR("A")));
	assert_false(tags_have(FIELDS, STR("b")));
	assert_false(tags_have(FIELDS, STR("D")));
	assert_false(tags_have(FIELDS, STR("e")));
	assert_false(tags_have(FIELDS, STR("i")));
	assert_false(tags_have(FIELDS, STR("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
