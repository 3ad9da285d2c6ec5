#include "bench/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define START "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *head, *owner, *ingress;
	bool hit, collapsed;
} cases[] = {
	{START "\r\n", "", "", false, false},
	{START "Cache-Status: n1; hit; ttl=3\r\n\r\n", "n1", "n1", true, false},
	{START "Cache-Status: n1; hit\r\nVia: 1.1 n1\r\n"
	       "Cache-Status: n3; fwd=bypass; detail=\"owner n1; hit\"\r\n\r\n",
		"n1", "n3", true, false},
	{START "Cache-Status: n1; fwd=uri-miss; stored, n2; hit\r\n\r\n", "n1",
		"n2", false, false},
	{START "Cache-Status: n1;fwd=uri-miss;collapsed\r\n\r\n", "n1", "n1",
		false, true},
	{START "Cache-Status: n1; hitting\r\n\r\n", "n1", "n1", false, false},
	{START "Cache-Status: \r\n\r\n", "", "", false, false},
};

static void
owner_ingress_and_hit(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct head h;

		print_message("%s", cases[i].head);
		assert_int_equal(head_parse_response(str_z(cases[i].head), &h),
			HEAD_DONE);
		struct trail t = trail_of(&h);
		assert_true(str_eq(t.owner, str_z(cases[i].owner)));
		assert_true(str_eq(t.ingress, str_z(cases[i].ingress)));
		assert_int_equal(t.hit, cases[i].hit);
		assert_int_equal(t.collapsed, cases[i].collapsed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_ingress_and_hit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
