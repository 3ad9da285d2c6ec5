#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "http/date.h"

#define NONE INT64_MIN

static void
test_parse(void **state)
{
	static const struct {
		struct str s;
		int64_t t;
	} cases[] = {
		{STR("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777},
		{STR("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777},
		{STR("Sun Nov  6 08:49:37 1994"), 784111777},
		{STR("Wed Nov 16 08:49:37 1994"), 784975777},
		{STR("Thu, 01 Jan 1970 00:00:00 GMT"), 0},
		{STR("Wed, 31 Dec 1969 23:59:59 GMT"), -1},
		{STR("Thu, 29 Feb 2024 12:00:00 GMT"), 1709208000},
		{STR("Thursday, 29-Feb-24 12:00:00 GMT"), 1709208000},
		{STR("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228799},
		{STR("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799},
		{STR("Sat, 01 Jan 0000 00:00:00 GMT"), -62167219200},
		{STR("Thu, 29 Feb 2023 12:00:00 GMT"), NONE},
		{STR("Thu, 29 Feb 1900 12:00:00 GMT"), NONE},
		{STR("Sun, 31 Nov 1994 08:49:37 GMT"), NONE},
		{STR("Sun, 00 Nov 1994 08:49:37 GMT"), NONE},
		{STR("Sun, 06 Nov 1994 24:49:37 GMT"), NONE},
		{STR("Sun, 06 Nov 1994 08:60:37 GMT"), NONE},
		{STR("Sun, 06 Nov 1994 08:49:61 GMT"), NONE},
		{STR("Sun, 06 Nov 1994 08:49:37 UTC"), NONE},
		{STR("Sun, 06 Nov 1994 08:49:37 GMT "), NONE},
		{STR("Sun, 06 Nov 1994 08:49:37"), NONE},
		{STR("Sun, 6 Nov 1994 08:49:37 GMT"), NONE},
		{STR("Sun, 06 Foo 1994 08:49:37 GMT"), NONE},
		{STR("Sunday, 06-Nov-9x 08:49:37 GMT"), NONE},
		{STR("Foo, 06 Nov 1994 08:49:37 GMT"), NONE},
		{STR("Sun Nov 6 08:49:37 1994"), NONE},
		{STR("0"), NONE},
		{STR("-1"), NONE},
		{STR(""), NONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (date_parse(cases[i].s) != cases[i].t)
			fail_msg("%.*s", STR_ARG(cases[i].s));
}

/* Against libc, over all of the years; the step visits every time of day. */
static void
test_format(void **state)
{
	char out[DATE_SIZE], want[64];

	for (int64_t t = -62167219200; t <= 253402300799; t += 2000003) {
		time_t libc = (time_t)t;
		struct tm tm;

		assert_int_equal(date_format(out, t), 29);
		gmtime_r(&libc, &tm);
		assert_int_equal(
			strftime(want, sizeof(want), "%a, %d %b ", &tm), 12);
		snprintf(want + 12, sizeof(want) - 12,
			"%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
			tm.tm_hour, tm.tm_min, tm.tm_sec);
		assert_string_equal(out, want);
		assert_true(date_parse(str_z(out)) == t);
	}
}

static void
test_format_ends(void **state)
{
	char out[DATE_SIZE];

	date_format(out, INT64_MIN);
	assert_string_equal(out, "Sat, 01 Jan 0000 00:00:00 GMT");
	date_format(out, INT64_MAX);
	assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
