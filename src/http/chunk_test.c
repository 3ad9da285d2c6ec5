#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "http/chunk.h"

/* Decodes in, given in pieces; the body and what is left of in. */
static enum chunk_result
decode(struct str in, size_t piece, struct buf *body, struct str *left)
{
	struct chunk_decoder d = {0};
	enum chunk_result r = CHUNK_MORE;

	buf_consume(body, buf_len(body));
	while (r == CHUNK_MORE && in.n) {
		struct str now = str_of(in.p, piece < in.n ? piece : in.n);
		struct str data;

		while ((r = chunk_decode(&d, &now, &data)) == CHUNK_DATA) {
			assert_true(data.n > 0);
			buf_str(body, data);
		}
		assert_true(r != CHUNK_MORE || now.n == 0);
		in.n -= (size_t)(now.p - in.p);
		in.p = now.p;
	}
	assert_true((r == CHUNK_BAD) == (d.error != NULL));
	*left = in;
	return r;
}

static void
test_decode(void **state)
{
	static const struct {
		struct str in;
		enum chunk_result result;
		struct str body;
		size_t left;
	} cases[] = {
		{STR("0\r\n\r\n"), CHUNK_END, STR("")},
		{STR("5\r\nhello\r\n0\r\n\r\nGET"), CHUNK_END, STR("hello"), 3},
		{STR("00a\r\n0123456789\r\n1\r\n\n\r\n000\r\n\r\n"), CHUNK_END,
			STR("0123456789\n")},
		{STR("A;x=1; y=\"\xe4\"\r\n0123456789\r\n0;z\r\n\r\n"),
			CHUNK_END, STR("0123456789")},
		{STR("1 \t;x\r\na\r\n0\r\n\r\n"), CHUNK_END, STR("a")},
		{STR("1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\nx"), CHUNK_END, STR("a"),
			1},
		{STR("5\r\nhel"), CHUNK_MORE, STR("hel")},
		{STR("5\r\nhello\r\n0\r\n\r"), CHUNK_MORE, STR("hello")},
		{STR("7fffffffffffffff\r\na"), CHUNK_MORE, STR("a")},
		{STR("8000000000000000\r\na"), CHUNK_BAD},
		{STR("10000000000000005\r\nhello"), CHUNK_BAD},
		{STR("\r\n"), CHUNK_BAD},
		{STR(" 5\r\nhello"), CHUNK_BAD},
		{STR("+5\r\nhello"), CHUNK_BAD},
		{STR("0x5\r\nhello"), CHUNK_BAD},
		{STR("-1\r\nhello"), CHUNK_BAD},
		{STR("g\r\nhello"), CHUNK_BAD},
		{STR(";a\r\nhello"), CHUNK_BAD},
		{STR("5 \r\nhello"), CHUNK_BAD},
		{STR("5 5\r\nhello"), CHUNK_BAD},
		{STR("5\nhello"), CHUNK_BAD},
		{STR("5\rhello"), CHUNK_BAD},
		{STR("5;a\nhello"), CHUNK_BAD},
		{STR("5;a\0\r\nhello"), CHUNK_BAD},
		{STR("5;a\rb\r\nhello"), CHUNK_BAD},
		{STR("5\r\nhelloo\r\n"), CHUNK_BAD, STR("hello")},
		{STR("5\r\nhello\n0"), CHUNK_BAD, STR("hello")},
		{STR("5\r\nhello\r0"), CHUNK_BAD, STR("hello")},
		{STR("5\r\nhello0\r\n\r\n"), CHUNK_BAD, STR("hello")},
		{STR("0\r\n\n"), CHUNK_BAD},
		{STR("0\r\nA b: c\r\n\r\n"), CHUNK_BAD},
		{STR("0\r\n: c\r\n\r\n"), CHUNK_BAD},
		{STR("0\r\n A: c\r\n\r\n"), CHUNK_BAD},
		{STR("0\r\nA\r\n\r\n"), CHUNK_BAD},
		{STR("0\r\nA: b\n\r\n"), CHUNK_BAD},
		{STR("0\r\nA: b\rc\r\n"), CHUNK_BAD},
		{STR("0\r\n\rx"), CHUNK_BAD},
	};
	struct buf body = {0};
	struct str left;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece <= cases[i].in.n; piece++) {
			enum chunk_result r =
				decode(cases[i].in, piece, &body, &left);

			if (r != cases[i].result)
				fail_msg("case %zu by %zu: %d", i, piece, r);
			assert_true(str_eq(buf_view(&body), cases[i].body));
			if (r == CHUNK_END)
				assert_int_equal(left.n, cases[i].left);
		}
	}
	buf_fini(&body);
}

/* start, then n times 'x', then end: what becomes of it? */
static enum chunk_result
decode_long(const char *start, size_t n, const char *end)
{
	struct buf in = {0}, body = {0};
	enum chunk_result r;
	struct str left;

	buf_z(&in, start);
	while (n--)
		buf_z(&in, "x");
	buf_z(&in, end);
	r = decode(buf_view(&in), 4096, &body, &left);
	buf_fini(&in);
	buf_fini(&body);
	return r;
}

static void
test_limits(void **state)
{
	size_t line = CHUNK_MAX_LINE, trailers = CHUNK_MAX_TRAILERS;

	/* The CR counts, the LF does not. */
	assert_int_equal(decode_long("0;", line - 3, "\r\n\r\n"), CHUNK_END);
	assert_int_equal(decode_long("0;", line - 2, "\r\n\r\n"), CHUNK_BAD);
	assert_int_equal(decode_long("0;", 1 << 20, ""), CHUNK_BAD);
	assert_int_equal(
		decode_long("0\r\nA:", trailers - 4, "\r\n\r\n"), CHUNK_END);
	assert_int_equal(
		decode_long("0\r\nA:", trailers - 3, "\r\n\r\n"), CHUNK_BAD);
	assert_int_equal(decode_long("0\r\nA: b\r\n", 1 << 20, ""), CHUNK_BAD);
}

static void
test_after_the_end(void **state)
{
	struct chunk_decoder d = {0};
	struct str in = STR("0\r\n\r\n5"), data = STR("untouched");

	assert_int_equal(chunk_decode(&d, &in, &data), CHUNK_END);
	assert_int_equal(chunk_decode(&d, &in, &data), CHUNK_END);
	assert_int_equal(in.n, 1);
	assert_true(str_eq(data, STR("untouched")));
	d = (struct chunk_decoder){0};
	in = STR("x5");
	assert_int_equal(chunk_decode(&d, &in, &data), CHUNK_BAD);
	assert_int_equal(chunk_decode(&d, &in, &data), CHUNK_BAD);
	assert_int_equal(in.n, 1);
}

static void
test_head(void **state)
{
	static const struct {
		size_t n;
		struct str head;
	} cases[] = {
		{0, STR("0\r\n")},
		{1, STR("1\r\n")},
		{15, STR("f\r\n")},
		{16, STR("10\r\n")},
		{0xabcdef, STR("abcdef\r\n")},
		{SIZE_MAX, STR("ffffffffffffffff\r\n")},
	};
	char out[CHUNK_HEAD_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = chunk_head(out, cases[i].n);

		assert_true(str_eq(str_of(out, n), cases[i].head));
	}
}

static void
test_trailers(void **state)
{
	static const struct {
		struct str in, trailers;
	} cases[] = {
		{STR("0\r\n\r\n"), STR("")},
		{STR("1\r\na\r\n0;x\r\nA: b\r\nC:\r\n\r\nD: e\r\n"),
			STR("A: b\r\nC:\r\n")},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 30; piece += 28) {
			struct buf trailers = {0};
			struct chunk_decoder d = {.trailers = &trailers};
			struct str rest = cases[i].in, data;
			enum chunk_result r;

			do {
				struct str now = rest;

				now.n = piece < now.n ? piece : now.n;
				r = chunk_decode(&d, &now, &data);
				rest.n -= (size_t)(now.p - rest.p);
				rest.p = now.p;
			} while (r != CHUNK_END);
			assert_true(
				str_eq(buf_view(&trailers), cases[i].trailers));
			buf_fini(&trailers);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_after_the_end),
		cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
