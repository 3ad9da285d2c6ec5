/*
 * Clients, and heads of responses, as they go from node to node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "proxy/wire.h"

static struct buf frame;

static struct str
written(const struct wire_head *h, struct str body)
{
	size_t at;

	buf_fini(&frame);
	buf_str(&frame, STR("before"));
	at = wire_head_begin(&frame);
	buf_str(&frame, h->fields);
	wire_head_end(&frame, at, h);
	buf_str(&frame, body);
	return str_of(buf_head(&frame) + 6, buf_len(&frame) - 6);
}

static bool
is_taken(struct wire_head h)
{
	struct str s = written(&h, STR(""));

	return wire_head_take(&s, &h);
}

static void
test_round_trip(void **state)
{
	static const struct wire_head heads[] = {
		{200, 0, 5, {"A: b\r\n", 6}, 0},
		{404, 0, 0, {"", 0}, 9},
		{304, 0, -1, {"A: b\r\nC: d\r\n", 12}, 65535},
		{200, 7, INT64_MAX, {"A: b\r\n", 6}, 1},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct str s = written(&heads[i], STR("hello"));
		struct wire_head h;

		assert_true(wire_head_take(&s, &h));
		assert_int_equal(h.status, heads[i].status);
		assert_int_equal(h.load, heads[i].load);
		assert_int_equal(h.bulk, heads[i].bulk);
		assert_true(h.length == heads[i].length);
		assert_true(str_eq(h.fields, heads[i].fields));
		assert_true(str_eq(s, STR("hello")));
	}
	buf_fini(&frame);
}

static void
test_refused(void **state)
{
	struct wire_head h = {200, 0, 5, STR("A: b\r\n")};
	struct str whole = written(&h, STR("")), s;

	for (size_t n = 0; n < whole.n; n++) {
		s = str_of(whole.p, n);
		assert_false(wire_head_take(&s, &h));
	}
	assert_false(is_taken((struct wire_head){100, 0, 5, STR("")}));
	assert_false(is_taken((struct wire_head){600, 0, 5, STR("")}));
	assert_false(is_taken((struct wire_head){200, 0, -2, STR("")}));
	assert_false(is_taken((struct wire_head){200, 7, -1, STR("")}));
	assert_false(is_taken((struct wire_head){200, 7, 0, STR("")}));
	assert_false(is_taken((struct wire_head){200, 0, 5, STR("A: b")}));
	buf_fini(&frame);
}

static void
test_clients(void **state)
{
	static const struct {
		const char *addr;
		size_t bytes;
	} cases[] = {
		{"::ffff:192.0.2.1", 5},
		{"2001:db8::1", 17},
		{"::", 17},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct in6_addr client, taken;
		struct str s;

		assert_int_equal(
			inet_pton(AF_INET6, cases[i].addr, &client), 1);
		wire_client_put(&client, &frame);
		assert_int_equal(buf_len(&frame), cases[i].bytes);
		for (size_t n = 0; n < cases[i].bytes; n++) {
			s = str_of(buf_head(&frame), n);
			assert_false(wire_client_take(&s, &taken));
		}
		buf_str(&frame, STR("behind"));
		s = buf_view(&frame);
		assert_true(wire_client_take(&s, &taken));
		assert_memory_equal(&taken, &client, sizeof(client));
		assert_true(str_eq(s, STR("behind")));
		buf_fini(&frame);
	}
}

static void
test_no_clients(void **state)
{
	static const struct str cases[] = {STR("\0"), STR("\5\1\2\3\4\5"),
		/* IPv4 has a form of its own */
		STR("\20\0\0\0\0\0\0\0\0\0\0\377\377\1\2\3\4")};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct in6_addr client;
		struct str s = cases[i];

		assert_false(wire_client_take(&s, &client));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_no_clients),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
