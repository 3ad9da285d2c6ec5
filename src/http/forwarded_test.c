#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "http/forwarded.h"
#include "http/test_head.h"

static void
test_put(void **state)
{
	static const struct {
		struct forwarded f;
		const char *element;
	} cases[] = {
		{{STR("192.0.2.1"), STR("_n1"), STR("example.org"),
			 STR("http")},
			"for=192.0.2.1;by=_n1;host=example.org;proto=http"},
		{{STR("2001:db8::1"), STR("::1"), STR("[::1]:8080")},
			"for=\"[2001:db8::1]\";by=\"[::1]\";host=\"[::1]:"
			"8080\""},
		{{.host = STR("a:80"), .proto = STR("http")},
			"host=\"a:80\";proto=http"},
		{{.for_ = STR("a\"b\\c")}, "for=\"a\\\"b\\\\c\""},
		{{.for_ = STR("unknown")}, "for=unknown"},
		{{{0}}, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};

		forwarded_put(&cases[i].f, &b);
		if (!str_eq(buf_view(&b), str_z(cases[i].element)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&b)));
		buf_fini(&b);
	}
}

static void
test_hops_left(void **state)
{
	static const struct {
		const char *method, *fields;
		int left;
	} cases[] = {
		{"OPTIONS", "Max-Forwards: 0\r\n", 0},
		{"TRACE", "Max-Forwards: 7\r\n", 7},
		{"TRACE", "Max-Forwards: 99999999999999999999\r\n", INT_MAX},
		{"TRACE", "Max-Forwards: -1\r\n", -1},
		{"TRACE", "Max-Forwards:\r\n", -1},
		{"OPTIONS", "", -1},
		{"GET", "Max-Forwards: 0\r\n", -1},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;

		test_request(cases[i].method, cases[i].fields, &b, &h);
		if (forwarded_hops_left(&h) != cases[i].left)
			fail_msg("case %zu", i);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_hops_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
