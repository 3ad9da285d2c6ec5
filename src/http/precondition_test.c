#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/precondition.h"
#include "http/test_head.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT\r\n"
#define THEN "Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define THEN_850 "Sunday, 06-Nov-94 08:49:37 GMT\r\n"
#define THEN_S 784111777
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT\r\n"
#define MATCH "If-Match: "
#define NONE_MATCH "If-None-Match: "
#define MODIFIED "If-Modified-Since: "
#define UNMODIFIED "If-Unmodified-Since: "

static const struct validators strong = {
	{"\"a\"", 3}, THEN_S, THEN_S + 1000000};
static const struct validators weak = {{"W/\"a\"", 5}, THEN_S, THEN_S};
static const struct validators dated = {{0}, INT64_MIN, THEN_S};
static const struct validators none = {{0}, INT64_MIN, INT64_MIN};

enum {
	PASS = PRECONDITION_PASS,
	KNOWN = PRECONDITION_NOT_MODIFIED,
	FAILED = PRECONDITION_FAILED,
};

static void
test_check(void **state)
{
	static const struct {
		const char *fields;
		const struct validators *v;
		int want;
	} cases[] = {
		{"", &strong, PASS},
		/* If-Match, by strong comparison */
		{MATCH "\"a\"\r\n", &strong, PASS},
		{MATCH "\"b\"\r\n" MATCH "\"c\", \"a\"\r\n", &strong, PASS},
		{MATCH "*\r\n", &none, PASS},
		{MATCH "\"b\"\r\n", &strong, FAILED},
		{MATCH "W/\"a\"\r\n", &strong, FAILED},
		{MATCH "W/\"a\"\r\n", &weak, FAILED},
		{MATCH "\"a\"\r\n", &weak, FAILED},
		{MATCH "\"a\"\r\n", &none, FAILED},
		{MATCH "a\r\n", &strong, FAILED},
		{MATCH "\"b\", *\r\n", &strong, FAILED},
		/* it hides If-Unmodified-Since */
		{MATCH "\"a\"\r\n" UNMODIFIED BEFORE, &strong, PASS},
		{MATCH "\"b\"\r\n" UNMODIFIED THEN, &strong, FAILED},
		{UNMODIFIED THEN, &strong, PASS},
		{UNMODIFIED AFTER, &strong, PASS},
		{UNMODIFIED BEFORE, &strong, FAILED},
		{UNMODIFIED BEFORE, &dated, PASS},
		{UNMODIFIED "0\r\n", &strong, PASS},
		/* both come before the others */
		{MATCH "\"b\"\r\n" NONE_MATCH "\"a\"\r\n", &strong, FAILED},
		{MATCH "\"a\"\r\n" NONE_MATCH "\"a\"\r\n", &strong, KNOWN},
		{UNMODIFIED BEFORE MODIFIED AFTER, &strong, FAILED},
		{UNMODIFIED THEN MODIFIED THEN, &strong, KNOWN},
		/* If-None-Match, by weak comparison */
		{NONE_MATCH "\"a\"\r\n", &strong, KNOWN},
		{NONE_MATCH "W/\"a\"\r\n", &strong, KNOWN},
		{NONE_MATCH "\"a\"\r\n", &weak, KNOWN},
		{NONE_MATCH "\"b\" , W/\"a\"\r\n", &weak, KNOWN},
		{NONE_MATCH "*\r\n", &none, KNOWN},
		{NONE_MATCH "\"b\"\r\n", &strong, PASS},
		{NONE_MATCH "a\r\n", &strong, PASS},
		{NONE_MATCH "\"a\"\r\n", &none, PASS},
		/* it hides If-Modified-Since */
		{NONE_MATCH "\"b\"\r\n" MODIFIED THEN, &strong, PASS},
		{NONE_MATCH "\"a\"\r\n" MODIFIED BEFORE, &strong, KNOWN},
		{MODIFIED THEN, &strong, KNOWN},
		{MODIFIED THEN_850, &strong, KNOWN},
		{MODIFIED AFTER, &strong, KNOWN},
		{MODIFIED BEFORE, &strong, PASS},
		{MODIFIED "yesterday\r\n", &strong, PASS},
		{MODIFIED THEN, &dated, KNOWN},
		{MODIFIED BEFORE, &dated, PASS},
		{MODIFIED AFTER, &none, PASS},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;
		int got;

		test_request("GET", cases[i].fields, &b, &h);
		got = (int)precondition_check(&h, cases[i].v);
		if (got != cases[i].want)
			fail_msg("case %zu: %d", i, got);
		assert_int_equal(precondition_in(&h), *cases[i].fields != 0);
	}
	buf_fini(&b);
}

static void
test_if_range(void **state)
{
	static const struct {
		const char *fields;
		const struct validators *v;
		bool holds;
	} cases[] = {
		{"", &none, true},
		{"If-Range: \"a\"\r\n", &strong, true},
		{"If-Range: \"b\"\r\n", &strong, false},
		{"If-Range: \"a\"\r\n", &none, false},
		{"If-Range: W/\"a\"\r\n", &strong, false},
		{"If-Range: W/\"a\"\r\n", &weak, false},
		{"If-Range: \"a\"\r\n", &weak, false},
		{"If-Range: \"a\", \"b\"\r\n", &strong, false},
		{"If-Range: a\r\n", &none, false},
		{"If-Range: " THEN, &strong, true},
		{"If-Range: " THEN, &weak, false}, /* made in that second */
		{"If-Range: " AFTER, &strong, false},
		{"If-Range: " BEFORE, &strong, false},
		{"If-Range: " THEN, &dated, false},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;

		test_request("GET", cases[i].fields, &b, &h);
		if (precondition_if_range(&h, cases[i].v) != cases[i].holds)
			fail_msg("case %zu", i);
		assert_false(precondition_in(&h));
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_if_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
