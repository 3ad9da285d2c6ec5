/* Only what was said next, on this connection and by that end, opens. */
#include "handoff/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct seal_context context = {.secret = STR("0123456789abcdef"),
	.cluster = "c",
	.dialler = "n1",
	.acceptor = "n2",
	.dialler_key = 1,
	.acceptor_key = 2};

static struct buf
sealed(struct seal *s, const char *about, const char *text)
{
	struct buf b = {0};

	assert_int_equal(seal_put(s, str_z(about), str_z(text), &b), 0);
	assert_int_equal(buf_len(&b), strlen(text) + SEAL_BYTES);
	return b;
}

static int
opens(struct seal *s, const char *about, struct buf *b, const char *text)
{
	struct buf out = {0};
	int r = seal_open(s, str_z(about), buf_view(b), &out);

	if (r == 0)
		assert_true(str_eq(buf_view(&out), str_z(text)));
	else
		assert_int_equal(buf_len(&out), 0);
	buf_fini(&out);
	return r;
}

static void
test_in_order(void **state)
{
	struct seal *a = seal_new(&context, true);
	struct seal *b = seal_new(&context, true);
	struct buf one = sealed(a, "x", "hello"), two = sealed(a, "x", ""),
		   three = sealed(a, "y", "hello");

	(void)state;
	assert_int_equal(opens(b, "x", &two, ""), -EBADMSG);
	assert_int_equal(opens(b, "y", &one, "hello"), -EBADMSG);
	assert_int_equal(opens(b, "x", &one, "hello"), 0);
	assert_int_equal(opens(b, "x", &one, "hello"), -EBADMSG);
	assert_int_equal(opens(b, "x", &two, ""), 0);
	assert_int_equal(opens(b, "y", &three, "hello"), 0);
	buf_fini(&one);
	buf_fini(&two);
	buf_fini(&three);
	seal_free(a);
	seal_free(b);
}

/* Each bit of it counts. */
static void
test_tampered(void **state)
{
	struct seal *a = seal_new(&context, false);
	struct seal *b = seal_new(&context, false);
	struct buf m = sealed(a, "x", "hello");

	(void)state;
	for (size_t i = 0; i < buf_len(&m) * 8; i++) {
		buf_head(&m)[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(opens(b, "x", &m, "hello"), -EBADMSG);
		buf_head(&m)[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t n = 0; n < buf_len(&m); n++) {
		struct buf cut = {.p = m.p, .head = m.head, .tail = m.head + n};

		assert_int_equal(opens(b, "x", &cut, "hello"), -EBADMSG);
	}
	assert_int_equal(opens(b, "x", &m, "hello"), 0);
	buf_fini(&m);
	seal_free(a);
	seal_free(b);
}

static void
expect_strange(struct seal_context c, bool from_dialler)
{
	struct seal *a = seal_new(&context, true);
	struct seal *b = seal_new(&c, from_dialler);
	struct buf m = sealed(a, "x", "hello");

	assert_int_equal(opens(b, "x", &m, "hello"), -EBADMSG);
	buf_fini(&m);
	seal_free(a);
	seal_free(b);
}

static void
test_others(void **state)
{
	struct seal_context c = context;

	(void)state;
	expect_strange(c, false);
	c.secret = STR("0123456789abcdeF");
	expect_strange(c, true);
	c = context;
	c.cluster = "d";
	expect_strange(c, true);
	c = context;
	c.dialler = "n3";
	expect_strange(c, true);
	c = context;
	c.acceptor_key = 3;
	expect_strange(c, true);
	c = context;
	c.dialler_key = 3;
	expect_strange(c, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
