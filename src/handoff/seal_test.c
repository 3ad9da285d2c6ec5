/* Only what was said next, on this connection and by that end, opens. */
#include "handoff/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct seal_context context = {.secret = STR("0123456789abcdef"),
	.dialler = STR("c n1 1"),
	.acceptor = STR("c n2 2")};

struct message {
	char text[64], tag[SEAL_BYTES];
	size_t n;
};

static struct message
sealed(struct seal *s, const char *text)
{
	struct message m = {.n = strlen(text)};

	memcpy(m.text, text, m.n);
	assert_int_equal(seal_put(s, m.text, m.n, m.tag), 0);
	return m;
}

/* A copy of it. */
static int
opens(struct seal *s, const struct message *sealed, const char *text)
{
	struct message m = *sealed;
	int r = seal_open(s, m.text, m.n, m.tag);

	if (r == 0)
		assert_true(str_eq(str_of(m.text, m.n), str_z(text)));
	return r;
}

static void
test_in_order(void **state)
{
	struct seal *a = seal_new(&context, true);
	struct seal *b = seal_new(&context, true);
	struct message one = sealed(a, "hello"), two = sealed(a, "you"),
		       three = sealed(a, "hello");

	(void)state;
	assert_memory_not_equal(one.text, three.text, 5);
	assert_int_equal(opens(b, &two, "you"), -EBADMSG);
	assert_int_equal(opens(b, &one, "hello"), 0);
	assert_int_equal(opens(b, &one, "hello"), -EBADMSG);
	assert_int_equal(opens(b, &three, "hello"), -EBADMSG);
	assert_int_equal(opens(b, &two, "you"), 0);
	assert_int_equal(opens(b, &three, "hello"), 0);
	seal_free(a);
	seal_free(b);
}

/* Each bit of it counts. */
static void
test_tampered(void **state)
{
	struct seal *a = seal_new(&context, false);
	struct seal *b = seal_new(&context, false);
	struct message m = sealed(a, "hello");

	(void)state;
	for (size_t i = 0; i < m.n * 8; i++) {
		m.text[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(opens(b, &m, "hello"), -EBADMSG);
		m.text[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t i = 0; i < SEAL_BYTES * 8; i++) {
		m.tag[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(opens(b, &m, "hello"), -EBADMSG);
		m.tag[i / 8] ^= (char)(1 << i % 8);
	}
	for (; m.n > 0; m.n--)
		if (m.n < 5)
			assert_int_equal(opens(b, &m, "hello"), -EBADMSG);
	m.n = 5;
	assert_int_equal(opens(b, &m, "hello"), 0);
	seal_free(a);
	seal_free(b);
}

static void
expect_strange(struct seal_context c, bool from_dialler)
{
	struct seal *a = seal_new(&context, true);
	struct seal *b = seal_new(&c, from_dialler);
	struct message m = sealed(a, "hello");

	assert_int_equal(opens(b, &m, "hello"), -EBADMSG);
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
	c.dialler = STR("c n1 3");
	expect_strange(c, true);
	c = context;
	c.acceptor = STR("c n2 3");
	expect_strange(c, true);
	/* where one ends and the other begins */
	c = context;
	c.dialler = STR("c n1 1c");
	c.acceptor = STR(" n2 2");
	expect_strange(c, true);
}

/* A ticket is for its number and its channel. */
static void
test_tickets(void **state)
{
	struct seal_context c = context;
	struct tickets ours, same, other;

	(void)state;
	assert_int_equal(tickets_make(&c, &ours), 0);
	assert_int_equal(tickets_make(&c, &same), 0);
	assert_true(ticket_of(&ours, 1) == ticket_of(&same, 1));
	assert_true(ticket_of(&ours, 1) != ticket_of(&ours, 2));
	c.acceptor = STR("c n2 3");
	assert_int_equal(tickets_make(&c, &other), 0);
	assert_true(ticket_of(&ours, 1) != ticket_of(&other, 1));
	c = context;
	c.secret = STR("0123456789abcdeF");
	assert_int_equal(tickets_make(&c, &other), 0);
	assert_true(ticket_of(&ours, 1) != ticket_of(&other, 1));
	/* Without a secret they tell channels apart, at least. */
	c.secret = (struct str){0};
	assert_int_equal(tickets_make(&c, &ours), 0);
	c.dialler = STR("c n1 2");
	assert_int_equal(tickets_make(&c, &other), 0);
	assert_true(ticket_of(&ours, 1) != ticket_of(&other, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
