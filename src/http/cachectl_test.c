#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "http/cachectl.h"

#define CC "Cache-Control: "
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define NOW 784111777 /* the same */
#define EXPIRES_60 "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n"
#define MODIFIED_100 "Last-Modified: Sun, 06 Nov 1994 08:47:57 GMT\r\n"
#define MODIFIED_YEAR "Last-Modified: Sat, 06 Nov 1993 08:49:37 GMT\r\n"

static void
parse_fields(const char *fields, struct cachectl *c)
{
	struct buf b = {0};
	struct head h;

	buf_printf(&b, "HTTP/1.1 200 OK\r\n%s\r\n", fields);
	assert_int_equal(head_parse_response(buf_view(&b), &h), HEAD_DONE);
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
			"cache-control: no-cache=\"b\" , must-revalidate\r\n",
		&c);
	assert_true(c.no_store && c.private_ && c.no_cache);
	assert_true(c.must_revalidate);
	assert_false(c.public_ || c.proxy_revalidate || c.no_transform);
	parse_fields(CC "proxy-revalidate,public,,no-transform,"
			"only-if-cached, x-no-store\r\n",
		&c);
	assert_true(c.proxy_revalidate && c.public_ && c.no_transform);
	assert_true(c.only_if_cached);
	assert_false(c.no_store || c.must_revalidate);
	parse_fields(CC "x=\"\\\"\", max-age=5\r\n", &c);
	assert_false(c.no_store);
	parse_fields(CC "x=\"a, max-age=5\r\n", &c);
	assert_true(c.no_store);
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
freshness_of(const char *request, unsigned status, const char *fields,
	struct freshness *f)
{
	struct buf b = {0}, a = {0};
	struct head q, r;

	buf_printf(&b, "%s\r\nHost: a\r\n\r\n", request);
	buf_printf(&a, "HTTP/1.1 %u x\r\n%s\r\n", status, fields);
	assert_int_equal(head_parse_request(buf_view(&b), &q), HEAD_DONE);
	assert_int_equal(head_parse_response(buf_view(&a), &r), HEAD_DONE);
	cachectl_freshness(&q, &r, NOW, f);
	buf_fini(&a);
	buf_fini(&b);
}

static void
test_lifetime(void **state)
{
	static const struct {
		unsigned status;
		const char *fields;
		int64_t lifetime, age;
		const char *why_not;
	} cases[] = {
		{200, CC "max-age=60\r\n", 60, 0},
		{200, CC "max-age=60, s-maxage=30\r\n" EXPIRES_60, 30, 0},
		{200, CC "max-age=5\r\n" EXPIRES_60, 5, 0},
		{200, EXPIRES_60 DATE, 60, 0},
		{200, EXPIRES_60, 60, 0},
		{200, "Expires: 0\r\n" MODIFIED_100, 0, 0, "stale on arrival"},
		{200, "Expires: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 0, 0,
			"stale on arrival"},
		{200, "Expires: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
			CACHECTL_MAX_S, 0},
		{200, MODIFIED_100 DATE, 10, 0},
		{200, MODIFIED_YEAR DATE, 86400, 0},
		{200, DATE, 0, 0, "no lifetime"},
		{200, "Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT\r\n" DATE,
			0, 0, "no lifetime"},
		{404, MODIFIED_100, 10, 0},
		{302, MODIFIED_100, 0, 0, "no lifetime"},
		{302, CC "max-age=60\r\n", 60, 0},
		{307, EXPIRES_60, 60, 0},
		{500, CC "max-age=60\r\n", 60, 0},
		{200, CC "max-age=0\r\n", 0, 0, "stale on arrival"},
		/* age */
		{200, CC "max-age=60\r\nAge: 59\r\n", 60, 59},
		{200, CC "max-age=60\r\nAge: 60\r\n", 60, 60,
			"stale on arrival"},
		{200, CC "max-age=60\r\nAge: 7\r\nAge: x\r\nAge: 9, 8\r\n", 60,
			9},
		{200, CC "max-age=60\r\nAge: -5\r\n", 60, 0},
		{200, CC "max-age=60\r\nAge: 99999999999999999999\r\n", 60,
			CACHECTL_MAX_S, "stale on arrival"},
		{200,
			CC "max-age=60\r\nAge: 3\r\n"
			   "Date: Sun, 06 Nov 1994 08:49:27 GMT\r\n",
			60, 10},
		{200,
			CC "max-age=60\r\n"
			   "Date: Sun, 06 Nov 1994 08:59:27 GMT\r\n",
			60, 0},
		{200,
			CC "max-age=60\r\n"
			   "Date: Mon, 01 Jan 0001 00:00:00 GMT\r\n",
			60, CACHECTL_MAX_S, "stale on arrival"},
		{200, CC "max-age=60\r\nDate: today\r\n", 60, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct freshness f;

		freshness_of(
			"GET / HTTP/1.1", cases[i].status, cases[i].fields, &f);
		if (f.lifetime_s != cases[i].lifetime ||
			f.initial_age_s != cases[i].age)
			fail_msg("case %zu: %ld %ld", i, (long)f.lifetime_s,
				(long)f.initial_age_s);
		assert_int_equal(f.storable, !f.why_not);
		assert_string_equal(f.why_not ? f.why_not : "",
			cases[i].why_not ? cases[i].why_not : "");
	}
}

#define FRESH CC "max-age=60\r\n"
#define WITH_AUTH "GET / HTTP/1.1\r\nAuthorization: x"

static void
test_storable(void **state)
{
	static const struct {
		const char *request;
		unsigned status;
		const char *fields;
		const char *why_not;
	} cases[] = {
		{"HEAD / HTTP/1.1", 200, FRESH, "method"},
		{"POST / HTTP/1.1", 200, FRESH, "method"},
		{"GET / HTTP/1.1", 199, FRESH, "status"},
		{"GET / HTTP/1.1", 206, FRESH, "status"},
		{"GET / HTTP/1.1", 304, FRESH, "status"},
		{"GET / HTTP/1.1\r\n" CC "no-store", 200, FRESH,
			"request no-store"},
		{"GET / HTTP/1.1\r\n" CC "no-cache", 200, FRESH, ""},
		{"GET / HTTP/1.1", 200, FRESH CC "no-store\r\n", "no-store"},
		{"GET / HTTP/1.1", 200, FRESH CC "private\r\n", "private"},
		{"GET / HTTP/1.1", 200, FRESH CC "private=\"a\"\r\n",
			"private"},
		{"GET / HTTP/1.1", 200, FRESH CC "no-cache\r\n", "no-cache"},
		{"GET / HTTP/1.1", 200, FRESH CC "no-cache=\"a\"\r\n",
			"no-cache"},
		{"GET / HTTP/1.1", 200, FRESH "Vary: Accept\r\n", "Vary"},
		{WITH_AUTH, 200, FRESH, "Authorization"},
		{WITH_AUTH, 200, FRESH CC "public\r\n", ""},
		{WITH_AUTH, 200, CC "s-maxage=9\r\n", ""},
		{WITH_AUTH, 200, FRESH CC "must-revalidate\r\n", ""},
		{"GET / HTTP/1.1", 200, FRESH "Set-Cookie: a=b\r\n",
			"Set-Cookie"},
		{"GET / HTTP/1.1", 200, FRESH CC "public\r\nSet-Cookie: a\r\n",
			""},
		{"GET / HTTP/1.1", 200, CC "s-maxage=9\r\nSet-Cookie: a\r\n",
			""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct freshness f;

		freshness_of(
			cases[i].request, cases[i].status, cases[i].fields, &f);
		assert_string_equal(
			f.why_not ? f.why_not : "", cases[i].why_not);
		assert_int_equal(f.storable, !*cases[i].why_not);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_storable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
