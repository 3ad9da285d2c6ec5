#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/invalidate.h"
#include "http/test_head.h"

#define KEY "http://a:8080/b/c?d"

static void
test_keys(void **state)
{
	static const struct {
		enum method method;
		unsigned status;
		const char *fields, *keys;
	} cases[] = {
		{METHOD_POST, 200, "", KEY "\n"},
		{METHOD_OTHER, 204, "", KEY "\n"},
		{METHOD_DELETE, 303, "", KEY "\n"},
		{METHOD_PUT, 404, "", ""},
		{METHOD_PUT, 500, "Location: /x\r\n", ""},
		{METHOD_GET, 200, "Location: /x\r\n", ""},
		{METHOD_HEAD, 200, "", ""},
		{METHOD_OPTIONS, 200, "", ""},
		{METHOD_TRACE, 200, "", ""},
		{METHOD_POST, 201,
			"Location: e\r\nContent-Location: /f?g#h\r\n",
			KEY "\nhttp://a:8080/b/e\nhttp://a:8080/f?g\n"},
		{METHOD_POST, 201, "Location: HTTP://A:8080/./%7e\r\n",
			KEY "\nhttp://a:8080/~\n"},
		{METHOD_POST, 201,
			"Location: http://a/\r\nLocation: http://b:8080/\r\n"
			"Content-Location: https://a:8080/\r\n"
			"Location: //a:80800/\r\nLocation: "
			"http://a:8080@b/\r\n",
			KEY "\n"},
	};
	struct buf b = {0}, out = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;

		test_response(cases[i].status, cases[i].fields, &b, &h);
		buf_consume(&out, buf_len(&out));
		invalidate(cases[i].method, STR(KEY), &h, &out);
		if (!str_eq(buf_view(&out), str_z(cases[i].keys)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&out)));
	}
	buf_fini(&out);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
