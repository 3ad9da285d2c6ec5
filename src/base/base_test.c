#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"

static void
test_str_u64(void **state)
{
	uint64_t v = 7;

	assert_int_equal(
		str_u64(STR("18446744073709551615"), UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(
		str_u64(STR("18446744073709551616"), UINT64_MAX, &v), -ERANGE);
	assert_int_equal(str_u64(STR("65536"), 65535, &v), -ERANGE);
	assert_int_equal(str_u64(STR("65536x"), 65535, &v), -EINVAL);
	assert_int_equal(str_u64(STR(""), 9, &v), -EINVAL);
	assert_int_equal(str_u64(STR("+1"), 9, &v), -EINVAL);
	assert_int_equal(str_u64(STR("1 "), 9, &v), -EINVAL);
	assert_true(v == UINT64_MAX);
}

static void
test_str_split(void **state)
{
	struct str s = STR("a,,b"), part;

	assert_true(str_split(&s, ',', &part) && str_eq(part, STR("a")));
	assert_true(str_split(&s, ',', &part) && part.n == 0);
	assert_true(str_split(&s, ',', &part) && str_eq(part, STR("b")));
	assert_false(str_split(&s, ',', &part));
	assert_true(str_ieq(STR("Host"), STR("hOST")));
	assert_false(str_ieq(STR("Host"), STR("Hos")));
	assert_true(str_eq(str_trim(STR(" \ta b\t")), STR("a b")));
}

static void
test_str_hex(void **state)
{
	uint64_t v = 7;

	assert_true(str_hex(STR("00ff"), 4, &v) && v == 255);
	assert_true(str_hex(STR("fedcba9876543210"), 16, &v));
	assert_true(v == UINT64_C(0xfedcba9876543210));
	assert_false(str_hex(STR("ff"), 4, &v));
	assert_false(str_hex(STR("00fg"), 4, &v));
	assert_false(str_hex(STR("00FF"), 4, &v));
	assert_false(str_hex(STR("+0ff"), 4, &v));
	assert_true(v == UINT64_C(0xfedcba9876543210));
}

static void
test_str_addr(void **state)
{
	struct in_addr v4 = {1};
	struct in6_addr v6;

	assert_false(str_addr(STR(""), AF_INET, &v4));
	assert_false(str_addr(STR("10.0.0.1 "), AF_INET, &v4));
	assert_false(str_addr(STR("10.0.0.1\0"), AF_INET, &v4));
	assert_false(str_addr(STR("10.0.0.01"), AF_INET, &v4));
	assert_false(str_addr(STR("2001:db8::1"), AF_INET, &v4));
	assert_int_equal(v4.s_addr, 1);
	assert_true(str_addr(STR("10.0.0.1"), AF_INET, &v4));
	assert_int_equal(ntohl(v4.s_addr), 0x0a000001);
	assert_true(str_addr(STR("2001:db8::1"), AF_INET6, &v6));
	assert_int_equal(v6.s6_addr[15], 1);
	assert_false(str_addr(
		STR("2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:00001"),
		AF_INET6, &v6));
}

static void
test_str_take(void **state)
{
	struct str s = STR("abc");
	char two[2] = "";

	assert_true(str_take(&s, two, 2));
	assert_memory_equal(two, "ab", 2);
	assert_false(str_take(&s, two, 2));
	assert_memory_equal(two, "ab", 2);
	assert_true(str_eq(s, STR("c")));
	assert_true(str_take(&s, two, 1) && s.n == 0);
	assert_true(str_take(&s, two, 0));
}

static void
test_str_distance(void **state)
{
	assert_int_equal(str_distance(STR("policy"), STR("polcy")), 1);
	assert_int_equal(str_distance(STR("policy"), STR("policy")), 0);
	assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
	assert_int_equal(str_distance(STR(""), STR("abc")), 3);
}

static void
test_buf(void **state)
{
	struct buf b = {0};
	char big[1000];

	memset(big, 'x', sizeof(big));
	buf_z(&b, "hello ");
	buf_printf(&b, "%d", 42);
	buf_u64(&b, 0);
	buf_u64(&b, UINT64_MAX);
	assert_true(str_eq(buf_view(&b), STR("hello 42018446744073709551615")));
	buf_consume(&b, 6);
	for (int i = 0; i < 100; i++)
		buf_append(&b, big, sizeof(big));
	assert_int_equal(buf_len(&b), 23 + 100 * sizeof(big));
	assert_memory_equal(buf_head(&b), "42", 2);
	buf_consume(&b, buf_len(&b));
	assert_int_equal(buf_room(&b), b.cap);
	buf_fini(&b);
}

/* Numbers of each length, first and last; not a byte more is taken than they
 * have: buffers may be what somebody else gave for just that. */
static void
test_buf_numbers(void **state)
{
	uint64_t v = 1;

	for (unsigned digits = 1; digits <= 20; digits++, v *= 10)
		for (unsigned less = 0; less < 2; less++) {
			char want[32], room[32];
			struct buf b = {.p = room};

			b.cap = (size_t)snprintf(
				want, sizeof(want), "%" PRIu64, v - less);
			buf_u64(&b, v - less);
			assert_ptr_equal(b.p, room);
			assert_true(str_eq(buf_view(&b), str_z(want)));
		}
}

struct item {
	int v;
	struct list link;
};

static void
test_list(void **state)
{
	struct list a, b;
	struct item items[4] = {{0}};
	int sum = 0;

	list_init(&a);
	list_init(&b);
	list_remove(&items[0].link); /* in no list: harmless */
	for (int i = 0; i < 4; i++) {
		items[i].v = 1 << i;
		list_push_back(i < 2 ? &a : &b, &items[i].link);
	}
	list_splice_back(&a, &b);
	assert_true(list_empty(&b));
	list_foreach_safe (it, &a) {
		sum = sum * 10 + container_of(it, struct item, link)->v;
		list_remove(it);
	}
	assert_int_equal(sum, 1248);
	assert_true(list_empty(&a));
	assert_null(list_pop_front(&a));
}

static void
test_arena(void **state)
{
	struct arena a = {0};

	for (int round = 0; round < 3; round++) {
		for (size_t n = 0; n < 300; n++) {
			char *p = arena_alloc(&a, n * 37);

			assert_int_equal((uintptr_t)p % sizeof(void *), 0);
			memset(p, round, n * 37);
		}
		struct str s = arena_copy(&a, STR("kept"));

		assert_true(str_eq(s, STR("kept")));
		arena_reset(&a);
	}
	arena_fini(&a);
}

static void
test_log_quote(void **state)
{
	char big[400];

	assert_string_equal(
		log_quote(STR("a\"b\n\xff")).z, "\"a\\\"b\\x0a\\xff\"");
	memset(big, '\n', sizeof(big));
	assert_true(strlen(log_quote(str_of(big, sizeof(big))).z) <
		sizeof(struct log_quoted));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str_u64),
		cmocka_unit_test(test_str_split),
		cmocka_unit_test(test_str_hex),
		cmocka_unit_test(test_str_addr),
		cmocka_unit_test(test_str_take),
		cmocka_unit_test(test_str_distance),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_numbers),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_log_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
