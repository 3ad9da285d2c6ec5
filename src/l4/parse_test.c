/* The parser of the XDP program, compiled natively: each frame in memory of
 * exactly its size, so that the sanitizers see a read outside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
/* before the kernel's own <linux/in.h> */
#include "l4/test_frame.h"
#include "l4/bpf/parse.h"

#include <stdlib.h>

/* The two bytes before it align the IP header, as drivers do. */
static enum l4_verdict
parse(const uint8_t *b, size_t n, struct l4_packet *p)
{
	uint8_t *memory = xmalloc(2 + n), *copy = memory + 2;
	enum l4_verdict v;

	memcpy(copy, b, n);
	*p = (struct l4_packet){0};
	v = l4_parse(copy, copy + n, frame_own, p);
	free(memory);
	return v;
}

static void
test_cut_short(void **state)
{
	for (uint8_t options = 0; options <= 10; options++) {
		struct frame_spec spec = {.flags = SYN, .options = options};
		struct frame f = frame_make(&spec);
		struct l4_packet p;

		for (size_t n = 0; n < f.n; n++)
			assert_int_equal(parse(f.b, n, &p), L4_pass_malformed);
		assert_int_equal(parse(f.b, f.n, &p), L4_VERDICTS);
	}
}

static void
test_fields(void **state)
{
	struct frame_spec spec = {
		.flags = SYN, .client_port = 4711, .options = 2, .padding = 9};
	struct frame f = frame_make(&spec);
	struct l4_packet p;

	assert_int_equal(parse(f.b, f.n, &p), L4_VERDICTS);
	assert_int_equal(p.flow.client, htonl(0x0a000001));
	assert_int_equal(p.flow.vip, htonl(FRAME_VIP));
	assert_int_equal(p.flow.client_port, htons(4711));
	assert_int_equal(p.flow.port, htons(FRAME_PORT));
	assert_int_equal(p.flow.proto, IPPROTO_TCP);
	assert_int_equal(p.bytes, f.n - 14 - 9);
	assert_true(p.syn && !p.fin && !p.rst && !p.fragment);

	spec.frag = 100;
	f = frame_make(&spec);
	assert_int_equal(parse(f.b, f.n, &p), L4_VERDICTS);
	assert_true(p.fragment && !p.syn);
	assert_int_equal(p.flow.port, 0);
}

static void
test_flags(void **state)
{
	for (unsigned flags = 0; flags < 32; flags++) {
		struct frame_spec spec = {.flags = (uint8_t)flags};
		struct frame f = frame_make(&spec);
		struct l4_packet p;

		assert_int_equal(parse(f.b, f.n, &p), L4_VERDICTS);
		assert_int_equal(p.rst, !!(flags & RST));
		assert_int_equal(p.fin, !!(flags & FIN));
		assert_int_equal(p.syn, (flags & (SYN | ACK | RST)) == SYN);
	}
}

/* Whatever is in the headers: nothing outside the frame is believed. */
static void
test_noise(void **state)
{
	struct frame_spec spec = {.flags = SYN};
	uint64_t x = 88172645463325252u; /* xorshift64: the same each time */
	unsigned whole = 0;

	for (unsigned i = 0; i < 200000; i++) {
		struct frame f = frame_make(&spec);
		struct l4_packet p;

		for (int bits = 0; bits < 3; bits++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			f.b[12 + x % 42] ^= (uint8_t)(x >> 32);
		}
		if (parse(f.b, f.n, &p) != L4_VERDICTS)
			continue;
		whole++;
		assert_true(p.bytes + 14 <= f.n);
		assert_true(p.fragment || p.flow.port);
	}
	assert_in_range(whole, 1000, 199000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
