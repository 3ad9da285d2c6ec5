/*
 * What is said first: understood as it was meant, by those whom it is for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "proxy/hello.h"
#include "proxy/membership.h"

static const struct node_peer peers[] = {
	{.name = "n1", .weight = 1}, {.name = "n2", .weight = 1}};
static const struct node_config config = {
	.cluster = "c",
	.place = {.policy = &policy_hrw},
	.peers = peers,
	.npeers = 2,
	.self = 0,
};
static struct node n1 = {
	.config = &config, .rules_checksum = UINT64_C(0xfedcba9876543210)};

static void
test_round_trip(void **state)
{
	struct hello said = {UINT64_MAX - 1, 0xdeadbeef, 0}, heard;
	struct buf b = {0};

	n1.started_ns = clock_mono_ns() - 1234 * NS_PER_MS;
	hello_put(&n1, &said, &b);
	assert_null(hello_parse(&n1, 0, buf_view(&b), &heard));
	assert_true(heard.key == said.key);
	assert_int_equal(heard.bulk, said.bulk);
	assert_in_range(heard.uptime_ms, 1234, 1234 + 60000);
	buf_fini(&b);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "its hello is malformed"},
		{"sevenfold 7 c n2 fedcba9876543210 0123456789abcdef 00000000",
			"its hello is malformed"},
		{"sevenfold 7 c n2 fedcba9876543210 0123456789abcdef",
			"its hello is malformed"},
		{"sevenfold 7 c n2 fedcba9876543210 0123456789abcdef 0000000",
			"its hello is malformed"},
		{"sevenfold 7 c n2 fedcba9876543210 0123456789abcdeg 00000000 "
		 "000000000001",
			"its hello is malformed"},
		{"sevenfold 7 c n2 fedcba9876543210 0123456789abcdef 00000000 "
		 "000000000001 ",
			"its hello is malformed"},
		{"sevenfold 5 c n2 fedcba9876543210 0123456789abcdef 00000000 "
		 "000000000001",
			"it speaks another version"},
		{"sevenfold 7 d n2 fedcba9876543210 0123456789abcdef 00000000 "
		 "000000000001",
			"it belongs to another cluster"},
		{"sevenfold 7 c n1 fedcba9876543210 0123456789abcdef 00000000 "
		 "000000000001",
			"its name is another node's"},
		{"sevenfold 7 c n2 0edcba9876543210 0123456789abcdef 00000000 "
		 "000000000001",
			"its configuration differs from ours"},
		{"sevenfold 7 c n2 fedcba9876543210 0123456789abcdef 00000000 "
		 "000000000001",
			NULL},
	};
	struct hello h;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = hello_parse(&n1, 1, str_z(cases[i].text), &h);

		if (cases[i].why)
			assert_string_equal(why, cases[i].why);
		else
			assert_null(why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	int status;

	n1.membership = membership_new(&n1);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	membership_free(n1.membership);
	return status;
}
