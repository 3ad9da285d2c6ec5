#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/addr.h"
#include "l4/route.h"
#include "l4/test_netns.h"

#include <errno.h>
#include <unistd.h>

static int
get(const char *addr, struct route *r)
{
	*r = (struct route){.ifindex = -1};
	union l4_addr a;

	assert_true(addr_parse(addr, &a));
	return route_get(&a, r);
}

/* An IPv6 address of ours has its route a moment after `ip addr` has ended. */
static void
await_local(const char *addr)
{
	struct route r;

	for (int i = 0; get(addr, &r) != 0 || !r.local; i++) {
		assert_true(i < 500);
		usleep(10000);
	}
}

static void
test_routes(void **state)
{
	struct route r;
	int a = (int)if_nametoindex("va");

	assert_int_equal(get("10.0.0.2", &r), 0);
	assert_true(r.on_link && !r.local && r.ifindex == a);
	assert_int_equal(get("10.0.0.1", &r), 0);
	assert_true(r.local);
	assert_int_equal(get("10.1.0.1", &r), -ENETUNREACH);
	assert_int_equal(r.ifindex, -1);
	assert_int_equal(system("ip route add 10.1.0.0/24 via 10.0.0.9 && "
				"ip route add 10.2.0.0/24 dev vb"),
		0);
	assert_int_equal(get("10.1.0.1", &r), 0);
	assert_true(!r.on_link && !r.local && r.ifindex == a);
	assert_string_equal(addr_text(&r.via).z, "10.0.0.9");
	assert_string_equal(addr_text(&r.source).z, "10.0.0.1");
	assert_int_equal(get("10.2.0.1", &r), 0);
	assert_true(r.on_link && r.ifindex == (int)if_nametoindex("vb"));
	assert_int_equal(system("ip addr add 2001:db8::1/64 dev va nodad && "
				"ip route add 2001:db8:1::/48 via 2001:db8::9"),
		0);
	await_local("2001:db8::1");
	assert_int_equal(get("2001:db8::2", &r), 0);
	assert_true(r.on_link && !r.local && r.ifindex == a);
	assert_int_equal(get("2001:db8:1::1", &r), 0);
	assert_string_equal(addr_text(&r.via).z, "2001:db8::9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_routes)};

	if (!test_netns())
		return 77;
	if (test_veth())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
