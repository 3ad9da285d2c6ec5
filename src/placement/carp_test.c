#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>

#include "placement/carp.h"

/* Wessels, Web Caching (2001), appendix C. */
static const struct {
	const char *name;
	double load;
	uint32_t hash;
	double multiplier;
} members[] = {
	{"test1.ircache.net", 1, 0x96010320, 0.869442},
	{"test2.web-cache.com", 1, 0x84965f0f, 0.869442},
	{"test3.squid-cache.org", 2, 0x4f5d7332, 1.064844},
	{"test4.packet-pushers.com", 3, 0xa79af670, 1.242318},
};

static void
test_members(void **state)
{
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(carp_hash_member(str_z(members[i].name)),
			members[i].hash);
}

/* In any order. */
static void
test_multipliers(void **state)
{
	static const size_t orders[][4] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}};

	for (size_t o = 0; o < 3; o++) {
		double loads[4], x[4];

		for (size_t i = 0; i < 4; i++)
			loads[i] = members[orders[o][i]].load;
		carp_multipliers(loads, 4, x);
		for (size_t i = 0; i < 4; i++)
			assert_true(
				fabs(x[i] - members[orders[o][i]].multiplier) <
				5e-7);
	}
}

static void
test_equal_loads(void **state)
{
	double loads[16], x[16];

	for (size_t i = 0; i < 16; i++)
		loads[i] = 7;
	carp_multipliers(loads, 16, x);
	for (size_t i = 0; i < 16; i++)
		assert_true(fabs(x[i] - 1) < 1e-12);
}

static void
test_urls(void **state)
{
	assert_int_equal(
		carp_hash_url(STR("http://www.squid-cache.org/")), 0x16073a01);
	assert_int_equal(
		carp_hash_url(STR("http://www.ircache.net/")), 0xae0af388);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_multipliers),
		cmocka_unit_test(test_equal_loads),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
