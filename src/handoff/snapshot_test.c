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

static struct snapshot
with_v6(void)
{
	struct snapshot s = some;

	inet_pton(AF_INET6, "2001:db8::7", &s.client);
	inet_pton(AF_INET6, "2001:db8::10", &s.local);
	return s;
}

static void
survives(const struct snapshot *s, size_t bytes)
{
	struct buf first = {0}, second = {0};
	struct snapshot read;
	struct str in;

	snapshot_put(s, &first);
	assert_int_equal(buf_len(&first), bytes);
	buf_str(&first, STR("end"));
	in = buf_view(&first);
	assert_true(snapshot_take(&in, &read));
	assert_true(str_eq(in, STR("end")));
	assert_int_equal(read.snd_nxt, s->snd_nxt);
	assert_int_equal(read.client_port, 40000);
	assert_memory_equal(&read.client, &s->client, sizeof(s->client));
	assert_memory_equal(&read.local, &s->local, sizeof(s->local));
	assert_int_equal(read.snd_wl1, s->snd_wl1);
	assert_int_equal(read.max_window, s->max_window);
	assert_int_equal(read.rcv_wup, s->rcv_wup);
	assert_int_equal(read.rtt_us, s->rtt_us);
	snapshot_put(&read, &second);
	buf_str(&second, STR("end"));
	assert_true(str_eq(buf_view(&first), buf_view(&second)));
	buf_fini(&first);
	buf_fini(&second);
}

static void
test_round_trip(void **state)
{
	struct snapshot v6 = with_v6(), odd = some, bare = some;

	(void)state;
	survives(&some, 47);
	survives(&v6, 71);
	/* What is before what it should be behind, and past the wrap. */
	odd.max_window = 1;
	odd.rcv_nxt = 1;
	odd.snd_wl1 = 0xfffffffe;
	odd.rcv_wup = 2;
	survives(&odd, 54);
	bare.timestamps = false;
	bare.clock = bare.stamp = 0;
	survives(&bare, 39);
}

static void
expect_refused(const struct snapshot *s, size_t at, char value)
{
	struct buf bytes = {0};
	struct snapshot read;
	struct str in;

	snapshot_put(s, &bytes);
	buf_head(&bytes)[at] = value;
	in = buf_view(&bytes);
	assert_false(snapshot_take(&in, &read));
	assert_int_equal(in.n, buf_len(&bytes));
	buf_fini(&bytes);
}

static void
test_nonsense(void **state)
{
	struct snapshot v6 = with_v6(), read;
	struct buf bytes = {0};

	(void)state;
	expect_refused(&some, 0, 2);	      /* another form */
	expect_refused(&some, 1, 16);	      /* a flag that there is not */
	expect_refused(&some, 2, (char)0xf0); /* nor such a window scale */
	expect_refused(&some, 2, 15);
	v6.local = some.local;
	expect_refused(&v6, 0, 3); /* IPv6 at one end, IPv4 at the other */
	snapshot_put(&some, &bytes);
	for (size_t n = 0; n < buf_len(&bytes); n++) {
		struct str in = str_of(buf_head(&bytes), n);

		assert_false(snapshot_take(&in, &read));
	}
	buf_fini(&bytes);
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
	struct snapshot s = with_v6();
	uint8_t f[PRIMER_MAX];

	(void)state;
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
