/* sevenfold drain, join, leave, weight and explain, run against a unix socket
 * that a thread answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "prog/test_asked.h"
#include "prog/verb.h"

static void
test_lines(void **state)
{
	static const struct {
		verb_fn *verb;
		const char *args[5], *line;
	} cases[] = {
		{verb_drain, {"--no-wait", "n2"}, "member drain n2\n"},
		{verb_drain, {"--undo", "n2"}, "member restore n2\n"},
		{verb_join, {"n4", "10.0.0.14"}, "member join n4 10.0.0.14\n"},
		{verb_join, {"n4", "10.0.0.14", "3"},
			"member join n4 10.0.0.14 3\n"},
		{verb_leave, {"n2"}, "member leave n2\n"},
		{verb_weight, {"n2", "5"}, "member weight n2 5\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked r = ask_for(
			cases[i].verb, "{\"done\":true}", cases[i].args);

		assert_int_equal(r.said.status, 0);
		assert_string_equal(r.line, cases[i].line);
		r = ask_for(cases[i].verb, "{\"error\":\"no\"}", cases[i].args);
		assert_int_equal(r.said.status, 1);
		assert_non_null(strstr(r.said.err, ": no\n"));
	}
}

static void
test_usage(void **state)
{
	static const struct {
		verb_fn *verb;
		const char *args[5];
	} cases[] = {
		{verb_drain, {NULL}},
		{verb_drain, {"n1", "n2"}},
		{verb_drain, {"n 1"}},
		{verb_drain, {"n1\nstatus"}},
		{verb_leave, {"--undo", "n1"}},
		{verb_join, {"n1"}},
		{verb_join, {"n1", "10.0.0.1", "1", "1"}},
		{verb_weight, {"n1", ""}},
		{verb_explain, {NULL}},
		{verb_explain, {"http://a/", "http://b/"}},
		{verb_explain, {"http://a/\nstatus"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked r = ask_for(
			cases[i].verb, "{\"done\":true}", cases[i].args);

		assert_int_equal(r.said.status, 2);
		assert_string_equal(r.line, "");
		assert_string_not_equal(r.said.err, "");
	}
}

#define N2(f) "{\"nodes\":[{\"name\":\"n2\"," f "}]}"
#define DOWN N2("\"up\":false")

/* One that was late with a word once is not down. */
static void
test_drain_waits(void **state)
{
	static const char *const args[] = {"n2", NULL};
	static const char *const late[] = {DOWN,
		N2("\"up\":true,\"handed_over\":{\"done\":false}"), DOWN,
		N2("\"up\":true,\"handed_over\":{\"done\":true}"), NULL};
	static const char *const gone[] = {DOWN, NULL};
	struct asked r = ask_in_turn(verb_drain, "{\"done\":true}", late, args);

	assert_int_equal(r.said.status, 0);
	assert_string_equal(r.line, "status\n");
	assert_non_null(strstr(r.said.out, "n2 is drained"));
	r = ask_in_turn(verb_drain, "{\"done\":true}", gone, args);
	assert_int_equal(r.said.status, 1);
	assert_non_null(strstr(r.said.err, "n2 is down"));
}

static void
test_explain(void **state)
{
	static const char answer[] =
		"{\"name\":\"n1\",\"key\":\"http://a.test/"
		"\",\"policy\":\"hrw\","
		"\"copies\":2,\"share\":0.25,\"now\":\"asks n3\",\"nodes\":["
		"{\"name\":\"n3\",\"rank\":1,\"up\":true,\"stored\":\"fresh\","
		"\"requests_per_s\":12.5,\"age_s\":7,\"ttl_s\":53,\"bytes\":10}"
		","
		"{\"name\":\"n1\",\"rank\":2,\"up\":true,\"stored\":\"no\"},"
		"{\"name\":\"n2\",\"rank\":3,\"up\":false}]}";
	static const char *const args[] = {"http://a.test/", NULL};
	struct asked r = ask_for(verb_explain, answer, args);

	assert_int_equal(r.said.status, 0);
	assert_string_equal(r.line, "explain http://a.test/\n");
	assert_non_null(strstr(
		r.said.out, "copies  2: it is hot, 25.0 % of all work\n"));
	assert_non_null(
		strstr(r.said.out, "a request that n1 gets: asks n3\n"));
	assert_non_null(strstr(r.said.out, "n3    1: owner"));
	assert_non_null(strstr(r.said.out, "n1    2: holds it, too  up"));
	assert_non_null(strstr(r.said.out, "n2    3                 down"));
	r = ask_for(verb_explain, "[]", args);
	assert_int_equal(r.said.status, 1);
	r = ask_for(verb_explain, "{\"error\":\"that is no URL\"}", args);
	assert_int_equal(r.said.status, 1);
	assert_string_equal(r.said.err, "sevenfold: that is no URL\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_drain_waits),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
