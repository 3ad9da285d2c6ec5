/* Heads that are said again are short, and come out as they went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/lines.h"

static struct lines *ours, *theirs;

static int
start(void **state)
{
	(void)state;
	ours = lines_new();
	theirs = lines_new();
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	lines_free(ours);
	lines_free(theirs);
	return 0;
}

/* How many bytes it took. */
static size_t
say(struct str text)
{
	struct buf packed = {0}, out = {0};
	size_t n;

	lines_put(ours, text, &packed);
	assert_true(lines_take(theirs, buf_view(&packed), text.n, &out));
	assert_true(str_eq(buf_view(&out), text));
	n = buf_len(&packed);
	buf_fini(&packed);
	buf_fini(&out);
	return n;
}

static void
test_again(void **state)
{
	struct str head = STR("GET /1 HTTP/1.1\r\nHost: example.org\r\n"
			      "User-Agent: one\r\n\r\n");

	(void)state;
	assert_int_equal(say(head), head.n + 4 * 2);
	assert_int_equal(say(head), 4);
	/* What differs is said, and known from then on. */
	head = STR("GET /2 HTTP/1.1\r\nHost: example.org\r\n"
		   "User-Agent: one\r\n\r\n");
	assert_int_equal(say(head), 2 + 17 + 3);
	assert_int_equal(say(head), 4);
	assert_int_equal(say(STR("")), 0);
	assert_int_equal(say(STR("no end of a line")), 18);
	assert_int_equal(say(STR("no end of a line")), 1);
}

/* Lines that are not kept, and such as can't be said at once. */
static void
test_long(void **state)
{
	static char text[70000];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(say(str_of(text, LINES_LONG)), LINES_LONG + 2);
	assert_int_equal(say(str_of(text, LINES_LONG)), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			say(str_of(text, LINES_LONG + 1)), LINES_LONG + 3);
	assert_int_equal(say(str_of(text, sizeof(text))), sizeof(text) + 6);
}

/* More of them than there is room for: both ends forget the same ones. */
static void
test_many(void **state)
{
	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		struct buf b = {0};

		for (int k = rand() % 8; k >= 0; k--)
			buf_printf(&b, "Name: %d\r\n", rand() % 100);
		(void)say(buf_view(&b));
		buf_fini(&b);
	}
}

static void
test_nonsense(void **state)
{
	static const struct str wrong[] = {
		STR("\0"),     /* which nobody has said */
		STR("\x40"),   /* no slot */
		STR("\x80"),   /* cut off */
		STR("\x80\0"), /* nothing */
		STR("\x80\x02"
		    "a"), /* cut off */
		STR("\x80\x05"
		    "abcde"), /* too much */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf out = {0};

		assert_false(lines_take(theirs, wrong[i], 4, &out));
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_again, start, stop),
		cmocka_unit_test_setup_teardown(test_long, start, stop),
		cmocka_unit_test_setup_teardown(test_many, start, stop),
		cmocka_unit_test_setup_teardown(test_nonsense, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
