#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "http/cachectl.h"
#include "http/test_head.h"

#define CC "Cache-Control: "
#define CDN "CDN-Cache-Control: "

static void
parse_fields(const char *fields, struct cachectl *c)
{
	struct buf b = {0};
	struct head h;

	test_response(200, fields, &b, &h);
	cachectl_parse(&h, c);
	buf_fini(&b);
}

static void
test_flags(void **state)
{
	struct cachectl c;

	parse_fields("", &c);
	assert_int_equal(c.max_age, -1);
	assert_int_equal(c.s_maxage, -1);
	assert_false(c.no_store || c.no_cache || c.private_ || c.public_);
	parse_fields(CC "No-Store, private=\"a, public\"\r\n"
			"cache-control: no-cache , must-revalidate\r\n",
		&c);
	assert_true(c.no_store && c.no_cache);
	assert_false(c.private_); /* but for the fields a and public */
	assert_true(c.must_revalidate);
	assert_false(c.public_ || c.proxy_revalidate || c.no_transform);
	parse_fields(CC "proxy-revalidate,public,,no-transform,"
			"only-if-cached, x-no-store\r\n",
		&c);
	assert_true(c.proxy_revalidate && c.public_ && c.no_transform);
	assert_true(c.only_if_cached);
	assert_false(c.no_store || c.must_revalidate);
	parse_fields(CC "must-understand, Immutable\r\n", &c);
	assert_true(c.must_understand && c.immutable);
	parse_fields(CC "x=\"\\\"\", max-age=5\r\n", &c);
	assert_false(c.no_store);
	parse_fields(CC "x=\"a, max-age=5\r\n", &c);
	assert_true(c.no_store);
	/* whatever might have been hidden, it was not meant to be stored */
	parse_fields(CC "x=\"a\r\n" CC "must-understand\r\n", &c);
	assert_true(c.no_store && !c.must_understand);
}

static void
test_seconds(void **state)
{
	static const struct {
		const char *fields;
		int64_t max_age, s_maxage;
	} cases[] = {
		{CC "max-age=60\r\n", 60, -1},
		{CC "MAX-AGE=\"60\"\r\n", 60, -1},
		{CC "max-age=60, max-age=30, s-maxage=7\r\n", 30, 7},
		{CC "max-age=5\r\n" CC "max-age=10\r\n", 5, -1},
		{CC "max-age=60, max-age=x\r\n", 0, -1},
		{CC "max-age\r\n", 0, -1},
		{CC "max-age=\r\n", 0, -1},
		{CC "max-age=-1\r\n", 0, -1},
		{CC "max-age=1.5\r\n", 0, -1},
		{CC "max-age= 5\r\n", 0, -1},
		{CC "max-age=\"\r\n", 0, -1},
		{CC "max-age=2147483648\r\n", INT64_C(1) << 31, -1},
		{CC "max-age=99999999999999999999999\r\n", INT64_C(1) << 31,
			-1},
		{CC "max-age=99999999999999999999999x\r\n", 0, -1},
		{CC "max-ages=5, xmax-age=5\r\n", -1, -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cachectl c;

		parse_fields(cases[i].fields, &c);
		if (c.max_age != cases[i].max_age ||
			c.s_maxage != cases[i].s_maxage)
			fail_msg("case %zu", i);
	}
}

static void
test_stale_seconds(void **state)
{
	static const struct {
		const char *fields;
		int64_t swr, sie;
	} cases[] = {
		{"", -1, -1},
		{CC "stale-while-revalidate=5, stale-if-error=\"7\"\r\n", 5, 7},
		{CC "stale-if-error=7, stale-if-error=8\r\n", -1, 7},
		{CC "stale-while-revalidate, stale-if-error=x\r\n", 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cachectl c;

		parse_fields(cases[i].fields, &c);
		if (c.stale_while_revalidate != cases[i].swr ||
			c.stale_if_error != cases[i].sie)
			fail_msg("case %zu", i);
	}
}

static void
test_asked(void **state)
{
	static const struct {
		const char *fields;
		int64_t max_stale, min_fresh;
		bool no_cache;
	} cases[] = {
		{"", -1, -1},
		{CC "max-stale\r\n", CACHECTL_MAX_S, -1},
		{CC "max-stale=5, min-fresh=6\r\n", 5, 6},
		{CC "max-stale, max-stale=5, max-stale\r\n", 5, -1},
		{CC "max-stale=, min-fresh=\r\n", 0, CACHECTL_MAX_S},
		{CC "min-fresh=5, min-fresh=9, min-fresh=7\r\n", -1, 9},
		{"Pragma: x, No-Cache\r\n", -1, -1, true},
		{"Pragma: x-no-cache\r\n", -1, -1},
		{"Pragma: no-cache\r\n" CC "max-stale=1\r\n", 1, -1},
		{CDN "no-cache\r\n" CC "max-stale=1\r\n", 1, -1},
		{CC "no-cache=\"\"\r\n", -1, -1, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};
		struct cachectl c;
		struct head h;

		test_request("GET", cases[i].fields, &b, &h);
		cachectl_parse(&h, &c);
		if (c.max_stale != cases[i].max_stale ||
			c.min_fresh != cases[i].min_fresh ||
			c.no_cache != cases[i].no_cache)
			fail_msg("case %zu", i);
		buf_fini(&b);
	}
}

static void
test_response_pragma(void **state)
{
	struct cachectl c;

	parse_fields("Pragma: no-cache\r\n", &c);
	assert_false(c.no_cache);
}

static void
test_targeted(void **state)
{
	static const struct {
		const char *fields;
		bool targeted;
		int64_t max_age;
	} cases[] = {
		{CDN "max-age=60\r\n" CC "max-age=5\r\n", true, 60},
		{CC "no-store, max-age=1\r\n" CDN "a;b=\"c\"\r\n", true, -1},
		{CDN "a\r\n" CDN "max-age=60;x\r\n" CC "max-age=5\r\n", true,
			60},
		{CDN "max-age=60, max-age=70\r\n", true, 60},
		{CDN "max-age=\"60\"\r\n", true, 0},
		{CDN "max-age=60.0\r\n", true, 0},
		{CDN "max-age=-60\r\n", true, 0},
		{CDN "max-age\r\n", true, 0},
		{CDN "max-age=(60)\r\n", true, 0},
		{CDN "max-age=?0, no-store=?0\r\n", true, -1},
		{CDN "\r\n" CC "max-age=5\r\n", false, 5},
		{CDN "max-age=60\r\n" CDN "\r\n" CC "max-age=5\r\n", false, 5},
		{CDN "max-age=60,\r\n" CC "max-age=5\r\n", false, 5},
		{CDN "MAX-AGE=60\r\n" CC "max-age=5\r\n", false, 5},
		{CDN "max-age=60, &\r\n" CC "max-age=5\r\n", false, 5},
		{CDN "x=\"\r\n" CC "max-age=5\r\n", false, 5},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cachectl c;

		parse_fields(cases[i].fields, &c);
		if (c.targeted != cases[i].targeted ||
			c.max_age != cases[i].max_age || c.no_store)
			fail_msg("case %zu", i);
	}
}

static void
test_withholds(void **state)
{
	static const struct {
		const char *fields;
		bool withheld; /* X */
		bool unqualified;
	} cases[] = {
		{CC "private=\"x\"\r\n", true},
		{CC "no-cache=\"a, X ,b\"\r\n", true},
		{CC "max-age=5\r\n" CC "no-cache=x\r\n", true},
		{CC "no-cache=\"a, xx\"\r\n"},
		{CC "no-store=\"x\", public=x\r\n"},
		{CC "no-cache\r\n", false, true},
		{CC "private=\r\n", false, true},
		{CC "private=\"\"\r\n", false, true},
		{CC "private=\" , \"\r\n", false, true},
		{CC "no-cache=\"x y\"\r\n", false, true},
		{CC "no-cache=\"x, \\y\"\r\n", false, true},
		{CC "no-cache=x\"\r\n", false, true},
		{CDN "no-cache=\"a, x\"\r\n", true},
		{CDN "private=x;y\r\n", true},
		{CDN "private=(x)\r\n", false, true},
		{CDN "private\r\n", false, true},
		{CDN "max-age=1\r\n" CC "private=x\r\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};
		struct cachectl c;
		struct head h;

		buf_printf(&b, "HTTP/1.1 200 OK\r\nX: 1\r\nY: 1\r\n%s\r\n",
			cases[i].fields);
		assert_int_equal(
			head_parse_response(buf_view(&b), &h), HEAD_DONE);
		cachectl_parse(&h, &c);
		if (cachectl_withholds(&h, &h.fields[0]) != cases[i].withheld ||
			(c.no_cache || c.private_) != cases[i].unqualified)
			fail_msg("case %zu", i);
		assert_false(cachectl_withholds(&h, &h.fields[1]));
		buf_fini(&b);
	}
}

static void
test_withholds_own(void **state)
{
	struct head h;

	assert_int_equal(
		head_parse_response(STR("HTTP/1.1 407 x\r\n"
					"Proxy-Authenticate: Basic\r\n"
					"Proxy-Authentication-Info: a=b\r\n"
					"WWW-Authenticate: Basic\r\n\r\n"),
			&h),
		HEAD_DONE);
	assert_true(cachectl_withholds(&h, &h.fields[0]));
	assert_true(cachectl_withholds(&h, &h.fields[1]));
	assert_false(cachectl_withholds(&h, &h.fields[2]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_stale_seconds),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_response_pragma),
		cmocka_unit_test(test_targeted),
		cmocka_unit_test(test_withholds),
		cmocka_unit_test(test_withholds_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
