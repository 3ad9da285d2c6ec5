#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/sfv.h"

static void
test_members(void **state)
{
	static const struct {
		struct str key, value;
		enum sfv_type type;
	} want[] = {
		{STR("a"), STR(""), SFV_BOOLEAN},
		{STR("*b_-.*9"), STR("-15"), SFV_INTEGER},
		{STR("c"), STR("1.250"), SFV_DECIMAL},
		{STR("d"), STR("\"x, \\\"\\\\\""), SFV_STRING},
		{STR("e"), STR("*t/a:b"), SFV_TOKEN},
		{STR("f"), STR(":aGk=:"), SFV_BYTES},
		{STR("g"), STR("?0"), SFV_BOOLEAN},
		{STR("h"), STR("@-1"), SFV_DATE},
		{STR("i"), STR("%\"a%c3%a4\""), SFV_DISPLAY_STRING},
		{STR("j"), STR("( 1  \"b\";x=y c )"), SFV_INNER_LIST},
		{STR("k"), STR("()"), SFV_INNER_LIST},
		{STR("l"), STR(""), SFV_BOOLEAN},
	};
	struct str in =
		STR("a, *b_-.*9=-15;p;  q=\"r\",c=1.250\t,\t"
		    "d=\"x, \\\"\\\\\", e=*t/a:b,f=:aGk=:,g=?0,h=@-1,"
		    "i=%\"a%c3%a4\",j=( 1  \"b\";x=y c );z,k=(),l;p=?1");
	struct str rest = in;
	struct sfv_member m;

	assert_true(sfv_is_dict(in));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		if (!sfv_dict_next(&rest, &m) || !str_eq(m.key, want[i].key) ||
			!str_eq(m.value, want[i].value) ||
			m.type != want[i].type)
			fail_msg("member %zu", i);
		assert_int_equal(sfv_is_false(&m), i == 6);
	}
	assert_false(sfv_dict_next(&rest, &m));
}

static void
test_good(void **state)
{
	static const struct str cases[] = {
		STR(""),
		STR(" a "),
		STR("a=1,a=2"),
		STR("a=123456789012345"),
		STR("a=-123456789012.123"),
		STR("a=\"\""),
		STR("a=::"),
		STR("a=%\"\""),
		STR("a=A"),
		STR("a=b;c=1;c=2"),
		STR("a=(1 2);b"),
		STR("a=(  )"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!sfv_is_dict(cases[i]))
			fail_msg("%.*s", STR_ARG(cases[i]));
}

static void
test_bad(void **state)
{
	static const struct str cases[] = {
		STR(","),
		STR("a,"),
		STR(",a"),
		STR("a,,b"),
		STR("a b"),
		STR("A"),
		STR("a=B, C"),
		STR("1"),
		STR("a="),
		STR("a= 1"),
		STR("a =1"),
		STR("a=1234567890123456"),
		STR("a=1234567890123.1"),
		STR("a=1."),
		STR("a=.1"),
		STR("a=1.1234"),
		STR("a=-"),
		STR("a=--1"),
		STR("a=+1"),
		STR("a=1x"),
		STR("a=\""),
		STR("a=\"\\\""),
		STR("a=\"\\a\""),
		STR("a=\"\t\""),
		STR("a=\"\xc3\xa4\""),
		STR("a=:x"),
		STR("a=:*:"),
		STR("a=?"),
		STR("a=?2"),
		STR("a=?true"),
		STR("a=@1.0"),
		STR("a=@"),
		STR("a=%"),
		STR("a=%x"),
		STR("a=%\"%C3%A4\""),
		STR("a=%\"%c"),
		STR("a=%\"%\""),
		STR("a=%\"x"),
		STR("a=("),
		STR("a=(1"),
		STR("a=(1,2)"),
		STR("a=(1\"b\")"),
		STR("a=((1))"),
		STR("a=(1;)"),
		STR("a;"),
		STR("a;B"),
		STR("a ;b"),
		STR("a;b="),
		STR("a;b=(1)"),
		STR("&"),
	};
	struct sfv_member m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str rest = cases[i];

		if (sfv_is_dict(cases[i]))
			fail_msg("%.*s", STR_ARG(cases[i]));
		while (sfv_dict_next(&rest, &m))
			;
		assert_int_equal(rest.n, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
