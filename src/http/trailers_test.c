#include "http/test_head.h"
#include "http/trailers.h"

static void
test_put(void **state)
{
	static const struct {
		struct str lines, passed;
	} cases[] = {
		{STR("")},
		{STR("X-Sum: 1\r\nserver-timing:a;dur=1\r\nEmpty:\r\n"),
			STR("X-Sum: 1\r\nserver-timing: a;dur=1\r\nEmpty: "
			    "\r\n")},
		{STR("Content-Length: 1\r\nTRANSFER-ENCODING: chunked\r\n"
		     "Host: b\r\nConnection: X\r\nTrailer: X\r\nVia: x\r\n")},
		{STR("Authorization: x\r\nSet-Cookie: x\r\nCookie: x\r\n"
		     "www-authenticate: x\r\nProxy-Anything: x\r\n")},
		{STR("Cache-Control: x\r\nAge: 1\r\nVary: *\r\nETag: \"x\"\r\n"
		     "If-Anything: x\r\nX-Forwarded-For: ::1\r\nRange: x\r\n")},
		{STR("Content-Encoding: gzip\r\nLocation: /\r\n"
		     "Access-Control-Allow-Origin: *\r\nX: y\r\n"),
			STR("X: y\r\n")},
		{STR("X Y: 1\r\n: 2\r\nno colon\r\nX: a\0b\r\nX: a\rb\r\n"
		     "Last: 1"),
			STR("Last: 1\r\n")},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};

		trailers_put(cases[i].lines, &b);
		if (!str_eq(buf_view(&b), cases[i].passed))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&b)));
		buf_fini(&b);
	}
}

static void
test_head(void **state)
{
	static const struct {
		const char *fields;
		bool may_pass, wanted;
	} cases[] = {
		{"", true, false},
		{"TE: trailers\r\nConnection: TE, close\r\n", true, true},
		{"TE: gzip, Trailers\r\n", true, true},
		{"Connection: keep-alive, Upgrade\r\n", true, false},
		{"Connection: close\r\nConnection: X-Sum\r\n", false, false},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;

		test_request("GET", cases[i].fields, &b, &h);
		if (trailers_may_pass(&h) != cases[i].may_pass ||
			trailers_are_wanted(&h) != cases[i].wanted)
			fail_msg("case %zu", i);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
