/* sevenfold purge, run against a unix socket that a thread answers. */
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

static const char done[] = "{\"objects\":3,\"peers\":2,\"peers_missed\":0}";

static void
test_lines(void **state)
{
	static const struct {
		const char *args[5], *line;
	} cases[] = {
		{{"http://a.test/"}, "purge hard url http://a.test/\n"},
		{{"--soft", "http://a.test/"},
			"purge soft url http://a.test/\n"},
		{{"http://a.test/", "--soft"},
			"purge soft url http://a.test/\n"},
		{{"--prefix", "http://a.test/img/"},
			"purge hard prefix http://a.test/img/\n"},
		{{"--soft", "--tag", "a tag"}, "purge soft tag a tag\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked r = ask_for(verb_purge, done, cases[i].args);

		assert_int_equal(r.said.status, 0);
		assert_string_equal(r.said.err, "");
		assert_string_equal(
			r.said.out, "purged here: 3; other nodes told: 2\n");
		assert_string_equal(r.line, cases[i].line);
	}
}

static void
test_usage(void **state)
{
	static const char *const cases[][5] = {
		{NULL},
		{"http://a.test/", "http://b.test/"},
		{"http://a.test/", "--tag", "a"},
		{"--prefix", "http://a.test/", "--tag", "a"},
		{"--tag"},
		{"--frob", "http://a.test/"},
		{"--tag", "a\nb"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked r = ask_for(verb_purge, done, cases[i]);

		assert_int_equal(r.said.status, 2);
		assert_string_equal(r.said.out, "");
		assert_string_not_equal(r.said.err, "");
		assert_string_equal(r.line, "");
	}
}

static void
test_answers(void **state)
{
	static const char *const args[] = {"http://a.test/", NULL};
	struct asked r;

	r = ask_for(verb_purge, "{\"error\": \"that is no URL\"}", args);
	assert_int_equal(r.said.status, 1);
	assert_string_equal(r.said.out, "");
	assert_string_equal(r.said.err, "sevenfold: that is no URL\n");
	r = ask_for(verb_purge,
		"{\"objects\":0,\"peers\":1,\"peers_missed\":2}", args);
	assert_int_equal(r.said.status, 1);
	assert_string_equal(
		r.said.out, "purged here: 0; other nodes told: 1\n");
	assert_non_null(strstr(r.said.err, "they are down: 2\n"));
	r = ask_for(verb_purge,
		"{\"objects\":0,\"peers\":1,\"peers_missed\":2,\"nodes\":["
		"{\"name\":\"n2\",\"outcome\":\"done\",\"objects\":7},"
		"{\"name\":\"n3\",\"outcome\":\"down\",\"objects\":0},"
		"{\"name\":\"n4\",\"outcome\":\"lost\",\"objects\":0}]}",
		args);
	assert_int_equal(r.said.status, 1);
	assert_string_equal(r.said.out,
		"purged here: 0; other nodes told: 1\n"
		"n2: 7\n"
		"n3: down; it will be told when it is back\n"
		"n4: no answer; it will be told when it is back\n");
	r = ask_for(verb_purge, "{\"objects\":\"many\"}", args);
	assert_int_equal(r.said.status, 1);
	assert_non_null(strstr(r.said.err, "of another version"));
	r = ask_for(verb_purge, "[]", args);
	assert_int_equal(r.said.status, 1);
	r = ask_for(verb_purge, "", args);
	assert_int_equal(r.said.status, 1);
}

static void
test_json(void **state)
{
	static const char *const args[] = {"--json", "http://a.test/", NULL};
	struct asked r = ask_for(verb_purge, done, args);

	assert_int_equal(r.said.status, 0);
	assert_non_null(strstr(r.said.out, "\n  \"objects\": 3,\n"));
	r = ask_for(verb_purge, "{\"error\": \"no\"}", args);
	assert_int_equal(r.said.status, 1);
	assert_non_null(strstr(r.said.out, "\n  \"error\": \"no\"\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
