/* A snapshot survives as bytes; what makes no sense is refused. */
#include "handoff/snapshot.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct snapshot some = {
	.client.s6_addr = {[10] = 0xff, [11] = 0xff, 1, 2, 3, 4},
	.local.s6_addr = {[10] = 0xff, [11] = 0xff, 5, 6, 7, 8},
	.client_port = 40000,
	.local_port = 80,
	.sack = true,
	.timestamps = true,
	.wscale_ok = true,
	.snd_wscale = 7,
	.rcv_wscale = 14,
	.mss = 1460,
	.snd_nxt = 0xfffffff0,
	.rcv_nxt = 17,
	.clock = 5,
	.stamp = 0x80000001,
	.snd_wl1 = 3,
	.snd_wnd = 65536,
	.max_window = 70000,
	.rcv_wnd = 64240,
	.rcv_wup = 16,
	.cwnd = 33,
	.rtt_us = 40000,
};

static void
test_round_trip(void **state)
{
	char bytes[SNAPSHOT_BYTES + 3], again[SNAPSHOT_BYTES];
	struct str in = str_of(bytes, sizeof(bytes));
	struct snapshot s = {0};

	(void)state;
	snapshot_put(&some, bytes);
	memcpy(bytes + SNAPSHOT_BYTES, "end", 3);
	assert_true(snapshot_take(&in, &s));
	assert_true(str_eq(in, STR("end")));
	assert_int_equal(s.snd_nxt, some.snd_nxt);
	assert_int_equal(s.client_port, 40000);
	assert_int_equal(s.rtt_us, 40000);
	snapshot_put(&s, again);
	assert_memory_equal(bytes, again, SNAPSHOT_BYTES);
}

static void
expect_refused(size_t at, char value)
{
	char bytes[SNAPSHOT_BYTES];
	struct str in = str_of(bytes, sizeof(bytes));
	struct snapshot s;

	snapshot_put(&some, bytes);
	bytes[at] = value;
	assert_false(snapshot_take(&in, &s));
	assert_int_equal(in.n, SNAPSHOT_BYTES);
}

static void
test_nonsense(void **state)
{
	char bytes[SNAPSHOT_BYTES];
	struct snapshot s;

	(void)state;
	expect_refused(0, 1);  /* another form */
	expect_refused(2, 15); /* a window scale that there is not */
	expect_refused(3, 15);
	expect_refused(42, 1); /* what has no meaning yet */
	expect_refused(4, 1);  /* IPv6 at one end, IPv4 at the other */
	snapshot_put(&some, bytes);
	for (size_t n = 0; n < SNAPSHOT_BYTES; n++) {
		struct str in = str_of(bytes, n);

		assert_false(snapshot_take(&in, &s));
	}
}

/* All ones, where it is right (RFC 1071). */
static uint16_t
sum(const uint8_t *p, size_t n, uint32_t start)
{
	for (size_t i = 0; i < n; i += 2)
		start += (uint32_t)p[i] << 8 | p[i + 1];
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return (uint16_t)start;
}

static void
test_primer(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	uint8_t f[PRIMER_MAX];

	(void)state;
	assert_int_equal(snapshot_primer(&some, mac, f), 14 + 20 + 32);
	assert_memory_equal(f + 12, "\x08\0", 2);
	assert_memory_equal(f, mac, 6);
	assert_int_equal(sum(f + 14, 20, 0), 0xffff);
	/* Of the pseudo header: the addresses, the protocol, the length. */
	assert_int_equal(sum(f + 34, 32, sum(f + 26, 8, 6 + 32)), 0xffff);
	assert_int_equal(f[34] << 8 | f[35], 40000);
	assert_memory_equal(f + 38, "\0\0\0\x11\xff\xff\xff\xf0", 8);
	assert_int_equal(f[48] << 8 | f[49], 65536 >> 7);
	assert_memory_equal(f + 54, "\x01\x01\x08\x0a\x80\0\0\x01", 8);
}

static void
test_primer_v6(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct snapshot s = some;
	uint8_t f[PRIMER_MAX];

	(void)state;
	inet_pton(AF_INET6, "2001:db8::7", &s.client);
	inet_pton(AF_INET6, "2001:db8::10", &s.local);
	assert_int_equal(snapshot_primer(&s, mac, f), PRIMER_MAX);
	assert_memory_equal(f + 12, "\x86\xdd\x60", 3);
	assert_int_equal(f[14 + 4] << 8 | f[14 + 5], 32);
	assert_memory_equal(f + 14 + 8, &s.client, 16);
	assert_int_equal(sum(f + 54, 32, sum(f + 22, 32, 6 + 32)), 0xffff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_primer),
		cmocka_unit_test(test_primer_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
