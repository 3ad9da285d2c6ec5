#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "http/cachectl.h"
#include "http/test_head.h"

#define CC "Cache-Control: "
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define NOW 784111777 /* the same */
#define EXPIRES_60 "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n"
#define ETAG "ETag: \"a\"\r\n"
#define MODIFIED_100 "Last-Modified: Sun, 06 Nov 1994 08:47:57 GMT\r\n"
#define MODIFIED_YEAR "Last-Modified: Sat, 06 Nov 1993 08:49:37 GMT\r\n"

static void
freshness_of(const char *request, unsigned status, const char *fields,
	struct freshness *f)
{
	struct buf b = {0}, a = {0};
	struct head q, r;

	buf_printf(&b, "%s\r\nHost: a\r\n\r\n", request);
	assert_int_equal(head_parse_request(buf_view(&b), &q), HEAD_DONE);
	test_response(status, fields, &a, &r);
	cachectl_freshness(&(struct cachectl_event){&q, &r, NOW, NOW}, f);
	buf_fini(&a);
	buf_fini(&b);
}

static const struct {
	unsigned status;
	const char *fields;
	int64_t lifetime, age;
	const char *why_not;
} lifetimes[] = {
	{200, CC "max-age=60\r\n", 60, 0},
	{200, CC "max-age=60, s-maxage=30\r\n" EXPIRES_60, 30, 0},
	{200, CC "max-age=5\r\n" EXPIRES_60, 5, 0},
	{200, EXPIRES_60 DATE, 60, 0},
	{200, EXPIRES_60, 60, 0},
	{200, "Expires: 0\r\n", 0, 0, "stale on arrival"},
	{200, "Expires: 0\r\n" MODIFIED_100, 0, 0},
	{200, "CDN-Cache-Control: max-age=9\r\n" CC "no-store\r\n", 9, 0},
	{200, "CDN-Cache-Control: a\r\n" EXPIRES_60 MODIFIED_100, 10, 0},
	{200, "Expires: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 0, 0,
		"stale on arrival"},
	{200, "Expires: Fri, 31 Dec 9999 23:59:59 GMT\r\n", CACHECTL_MAX_S, 0},
	{200, MODIFIED_100 DATE, 10, 0},
	{200, MODIFIED_YEAR DATE, 86400, 0},
	{200, DATE, 0, 0, "no lifetime"},
	{200, "Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT\r\n" DATE, 0, 0},
	{200, "Last-Modified: Sun, 06 Nov\r\n", 0, 0, "no lifetime"},
	{404, MODIFIED_100, 10, 0},
	{302, MODIFIED_100, 0, 0, "no lifetime"},
	{302, CC "public\r\n" MODIFIED_100, 10, 0},
	{302, CC "public\r\n", 0, 0, "no lifetime"},
	{302, CC "max-age=60\r\n", 60, 0},
	{307, EXPIRES_60, 60, 0},
	{500, CC "max-age=60\r\n", 60, 0},
	{200, CC "max-age=0\r\n", 0, 0, "stale on arrival"},
	{200, CC "max-age=0\r\n" ETAG, 0, 0},
	{200, ETAG, 0, 0},
	{302, ETAG, 0, 0, "no lifetime"},
	{200, CC "max-age=0, stale-if-error=1\r\n", 0, 0},
	{200, CC "max-age=0, stale-while-revalidate=1\r\n", 0, 0},
	{200, CC "max-age=5, stale-if-error=9\r\nAge: 14\r\n", 5, 14,
		"stale on arrival"},
	{200, CC "max-age=0, stale-if-error=1, must-revalidate\r\n", 0, 0,
		"stale on arrival"},
	/* age */
	{200, CC "max-age=60\r\nAge: 59\r\n", 60, 59},
	{200, CC "max-age=60\r\nAge: 60\r\n", 60, 60, "stale on arrival"},
	{200, CC "max-age=60\r\nAge: 7\r\nAge: x\r\nAge: 9, 8\r\n", 60, 9},
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

static void
test_lifetime(void **state)
{
	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
		struct freshness f;

		freshness_of("GET / HTTP/1.1", lifetimes[i].status,
			lifetimes[i].fields, &f);
		if (f.lifetime_s != lifetimes[i].lifetime ||
			f.initial_age_s != lifetimes[i].age)
			fail_msg("case %zu: %ld %ld", i, (long)f.lifetime_s,
				(long)f.initial_age_s);
		assert_int_equal(f.storable, !f.why_not);
		assert_string_equal(f.why_not ? f.why_not : "",
			lifetimes[i].why_not ? lifetimes[i].why_not : "");
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
		{"GET / HTTP/1.1", 200, FRESH CC "private=\"a\"\r\n", ""},
		{"GET / HTTP/1.1", 200, FRESH CC "private=\"\"\r\n", "private"},
		{"GET / HTTP/1.1", 200, FRESH CC "no-cache\r\n", "no-cache"},
		{"GET / HTTP/1.1", 200, FRESH CC "no-cache\r\n" ETAG, ""},
		{"GET / HTTP/1.1", 200,
			CC "no-cache, max-age=9, stale-if-error=9\r\n",
			"no-cache"},
		{"GET / HTTP/1.1", 200, FRESH CC "no-cache=\"a\"\r\n", ""},
		{"GET / HTTP/1.1", 200, FRESH "Vary: Accept\r\n", ""},
		{"GET / HTTP/1.1", 200, FRESH "Vary: Accept\r\nVary: a, *\r\n",
			"Vary"},
		{"GET / HTTP/1.1", 429, FRESH, "status"},
		{"GET / HTTP/1.1", 299, FRESH, ""},
		{"GET / HTTP/1.1", 299, FRESH CC "must-understand\r\n",
			"must-understand"},
		{"GET / HTTP/1.1", 404,
			FRESH CC "must-understand, no-store\r\n", ""},
		{WITH_AUTH, 200, FRESH, "Authorization"},
		{WITH_AUTH, 200, FRESH CC "public\r\n", ""},
		{WITH_AUTH, 200, CC "s-maxage=9\r\n", ""},
		{WITH_AUTH, 200, FRESH CC "proxy-revalidate\r\n",
			"Authorization"},
		{WITH_AUTH, 200, FRESH CC "must-revalidate\r\n", ""},
		{"GET / HTTP/1.1", 200, FRESH "Set-Cookie: a=b\r\n",
			"Set-Cookie"},
		{"GET / HTTP/1.1", 200, FRESH CC "public\r\nSet-Cookie: a\r\n",
			""},
		{"GET / HTTP/1.1", 200, CC "s-maxage=9\r\nSet-Cookie: a\r\n",
			""},
		{"GET / HTTP/1.1", 200,
			FRESH CC "no-cache=\"set-cookie\"\r\nSet-Cookie: a\r\n",
			""},
		{"GET / HTTP/1.1", 200,
			FRESH CC "no-cache=\"X\"\r\nSet-Cookie: a\r\n",
			"Set-Cookie"},
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

static void
test_part(void **state)
{
	struct head q, r;
	struct cachectl_event e = {&q, &r, NOW, NOW, .is_part = true};
	struct freshness f;

	assert_int_equal(head_parse_request(
				 STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &q),
		HEAD_DONE);
	assert_int_equal(
		head_parse_response(STR("HTTP/1.1 206 x\r\n" FRESH "\r\n"), &r),
		HEAD_DONE);
	cachectl_freshness(&e, &f);
	assert_true(f.storable);
	assert_int_equal(f.lifetime_s, 60);
	r.status = 416;
	r.nfields = 0;
	cachectl_freshness(&e, &f);
	assert_string_equal(f.why_not, "no lifetime");
}

static void
test_response_delay(void **state)
{
	static const struct {
		const char *fields;
		int64_t asked_ago, age;
	} cases[] = {
		{"", 0, 0},
		{"", 4, 4},
		{"", -4, 0}, /* the clock was set back */
		{"Age: 3\r\n", 4, 7},
		{DATE "Age: 3\r\n", 0, 3},
		{"Date: Sun, 06 Nov 1994 08:49:27 GMT\r\nAge: 3\r\n", 4, 10},
		{"Date: Sun, 06 Nov 1994 08:49:27 GMT\r\nAge: 9\r\n", 4, 13},
		{"Age: 2147483648\r\n", 4, CACHECTL_MAX_S},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head q = {.method = METHOD_GET}, r;
		struct cachectl_event e = {
			&q, &r, NOW - cases[i].asked_ago, NOW};
		struct freshness f;
		struct buf b = {0};

		test_response(200, cases[i].fields, &b, &r);
		cachectl_freshness(&e, &f);
		if (f.initial_age_s != cases[i].age)
			fail_msg("case %zu: %ld", i, (long)f.initial_age_s);
		buf_fini(&b);
	}
}

static void
test_keep(void **state)
{
	struct stored_freshness s;
	struct freshness f;

	freshness_of("GET / HTTP/1.1", 200,
		CC "max-age=99999999999, stale-if-error=8, immutable, "
		   "stale-while-revalidate=7\r\n",
		&f);
	s = cachectl_keep(&f);
	assert_int_equal(s.lifetime_s, CACHECTL_MAX_S);
	assert_int_equal(s.stale_while_revalidate_s, 7);
	assert_int_equal(s.stale_if_error_s, 8);
	assert_true(s.immutable);
	assert_false(s.must_revalidate || s.no_cache || s.heuristic);
	freshness_of("GET / HTTP/1.1", 200,
		MODIFIED_100 CC "no-cache, proxy-revalidate\r\n", &f);
	s = cachectl_keep(&f);
	assert_int_equal(s.lifetime_s, 10);
	assert_true(s.must_revalidate && s.no_cache && s.heuristic);
	assert_int_equal(s.stale_while_revalidate_s, 0);
	freshness_of("GET / HTTP/1.1", 200, CC "s-maxage=3\r\n", &f);
	assert_true(cachectl_keep(&f).must_revalidate);
}

/* What a response with these fields does for a request with those. */
static void
use_of(const char *request, const char *response, int64_t age_s,
	enum cachectl_use *use, bool *on_error)
{
	struct stored_freshness s;
	struct cachectl asked;
	struct freshness f;
	struct buf b = {0};
	struct head q;

	freshness_of("GET / HTTP/1.1", 200, response, &f);
	s = cachectl_keep(&f);
	test_request("GET", request, &b, &q);
	cachectl_parse(&q, &asked);
	*use = cachectl_use(&asked, &s, age_s);
	*on_error = cachectl_usable_on_error(&asked, &s, age_s);
	buf_fini(&b);
}

#define SWR CC "max-age=10, stale-while-revalidate=5\r\n"
#define SIE CC "max-age=10, stale-if-error=5\r\n"
#define MAX_10 CC "max-age=10\r\n"

static const struct {
	const char *request, *response;
	int64_t age;
	enum cachectl_use use;
	bool on_error;
} uses[] = {
	{"", MAX_10, 0, USE_FRESH, true},
	{"", MAX_10, 9, USE_FRESH, true},
	{"", MAX_10, 10, USE_REVALIDATE},
	{"", MAX_10, -1, USE_FRESH, true},
	{"", CC "no-cache, max-age=10\r\n", 0, USE_REVALIDATE},
	{"", CC "no-cache, stale-if-error=10\r\n", 0, USE_REVALIDATE},
	/* what the client declines */
	{CC "no-cache\r\n", SIE, 1, USE_REVALIDATE},
	{"Pragma: no-cache\r\n", MAX_10, 1, USE_REVALIDATE},
	{CC "max-age=5\r\n", MAX_10, 5, USE_FRESH, true},
	{CC "max-age=5\r\n", MAX_10, 6, USE_REVALIDATE, true},
	{CC "min-fresh=4\r\n", MAX_10, 6, USE_FRESH, true},
	{CC "min-fresh=4\r\n", MAX_10, 7, USE_REVALIDATE, true},
	{CC "min-fresh=4, max-stale\r\n", MAX_10, 11, USE_REVALIDATE},
	{CC "max-age=0\r\n", CC "max-age=10, immutable\r\n", 5, USE_FRESH,
		true},
	{CC "no-cache\r\n", CC "max-age=10, immutable\r\n", 5, USE_REVALIDATE},
	{CC "max-age=0\r\n", CC "max-age=10, immutable\r\n", 10,
		USE_REVALIDATE},
	/* stale, and allowed */
	{CC "max-stale\r\n", MAX_10, 1000000, USE_FRESH},
	{CC "max-stale=5\r\n", MAX_10, 15, USE_FRESH},
	{CC "max-stale=5\r\n", MAX_10, 16, USE_REVALIDATE},
	{CC "max-stale=5, max-age=12\r\n", MAX_10, 12, USE_FRESH},
	{CC "max-stale=5, max-age=12\r\n", MAX_10, 13, USE_REVALIDATE},
	{CC "max-stale\r\n", CC "max-age=10, must-revalidate\r\n", 10,
		USE_REVALIDATE},
	{CC "max-stale\r\n", CC "max-age=10, proxy-revalidate\r\n", 10,
		USE_REVALIDATE},
	{CC "max-stale\r\n", CC "s-maxage=10\r\n", 10, USE_REVALIDATE},
	/* while it is validated */
	{"", SWR, 9, USE_FRESH, true},
	{"", SWR, 10, USE_STALE_REVALIDATING},
	{"", SWR, 14, USE_STALE_REVALIDATING},
	{"", SWR, 15, USE_REVALIDATE},
	{CC "max-stale=9\r\n", SWR, 14, USE_STALE_REVALIDATING},
	{CC "max-stale=9\r\n", SWR, 15, USE_FRESH},
	{CC "max-age=60\r\n", SWR, 10, USE_REVALIDATE},
	{CC "max-age=60, max-stale=1\r\n", SWR, 14, USE_STALE_REVALIDATING},
	{"", CC "s-maxage=10, stale-while-revalidate=5\r\n", 10,
		USE_REVALIDATE},
	/* when the origin fails */
	{"", SIE, 14, USE_REVALIDATE, true},
	{"", SIE, 15, USE_REVALIDATE},
	{CC "max-age=1\r\n", SIE, 14, USE_REVALIDATE, true},
	{CC "stale-if-error=7\r\n", SIE, 16, USE_REVALIDATE, true},
	{CC "stale-if-error=7\r\n", MAX_10, 17, USE_REVALIDATE},
	{CC "stale-if-error=7\r\n", CC "max-age=10, must-revalidate\r\n", 10,
		USE_REVALIDATE},
	{"", CC "max-age=10, must-revalidate\r\n", 9, USE_FRESH, true},
};

static void
test_use(void **state)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		enum cachectl_use use;
		bool on_error;

		use_of(uses[i].request, uses[i].response, uses[i].age, &use,
			&on_error);
		if (use != uses[i].use || on_error != uses[i].on_error)
			fail_msg("case %zu: %d %d", i, use, on_error);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_storable),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_response_delay),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
