/* What is claimed, and who is believed. */
#include "handoff/claims.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct claims_question question = {
	.secret = STR("0123456789abcdef"),
	.cluster = "c",
	.node = "n1",
	.since = 0x123456789abcdef0,
	.nonce = 7,
	.hear_addr.s_addr = 0x070012c6,
	.hear_port = 40123,
};
static struct claims said, heard;

static void
add(const char *addr, uint16_t port)
{
	struct claim *c = &said.v[said.n++];

	assert_int_equal(inet_pton(AF_INET6, addr, &c->client), 1);
	c->port = port;
}

static void
say(void)
{
	said.n = 0;
	said.last = UINT64_MAX;
	add("::ffff:198.18.0.7", 40123);
	add("2001:db8::7", 65535);
	add("::1", 1);
}

static void
test_question(void **state)
{
	struct claims_question q = question, other = question;
	struct buf path = {0};

	assert_int_equal(claims_ask(&question, &path), 0);
	q.since = q.nonce = q.hear_addr.s_addr = q.hear_port = 0;
	assert_true(claims_asked(buf_view(&path), &q));
	assert_true(q.since == question.since && q.nonce == question.nonce);
	assert_true(q.hear_addr.s_addr == question.hear_addr.s_addr &&
		q.hear_port == question.hear_port);
	other.node = "n2";
	assert_false(claims_asked(buf_view(&path), &other));
	other = question;
	other.cluster = "d";
	assert_false(claims_asked(buf_view(&path), &other));
	other = question;
	other.secret = STR("0123456789abcdeg");
	assert_false(claims_asked(buf_view(&path), &other));
	for (size_t i = 0; i < buf_len(&path); i++) {
		buf_head(&path)[i] ^= 1;
		assert_false(claims_asked(buf_view(&path), &q));
		buf_head(&path)[i] ^= 1;
		assert_false(claims_asked(str_of(buf_head(&path), i), &q));
	}
	buf_fini(&path);
}

static void
test_answer(void **state)
{
	struct buf text = {0};

	say();
	assert_int_equal(claims_answer(&question, &said, &text), 0);
	assert_true(claims_answered(&question, buf_view(&text), &heard));
	assert_int_equal(heard.n, said.n);
	assert_true(heard.last == said.last);
	for (size_t i = 0; i < said.n; i++) {
		assert_memory_equal(&heard.v[i].client, &said.v[i].client, 16);
		assert_int_equal(heard.v[i].port, said.v[i].port);
	}
	for (size_t i = 0; i < buf_len(&text); i++) {
		buf_head(&text)[i] ^= 1;
		assert_false(
			claims_answered(&question, buf_view(&text), &heard));
		buf_head(&text)[i] ^= 1;
	}
	buf_fini(&text);
}

/* An answer is for its question only: not one that was heard before, nor
 * another node's; nor is a question an answer. */
static void
test_repeated(void **state)
{
	struct claims_question other = question;
	struct buf text = {0}, path = {0};

	say();
	assert_int_equal(claims_answer(&question, &said, &text), 0);
	other.nonce++;
	assert_false(claims_answered(&other, buf_view(&text), &heard));
	other = question;
	other.since++;
	assert_false(claims_answered(&other, buf_view(&text), &heard));
	other = question;
	other.node = "n2";
	assert_false(claims_answered(&other, buf_view(&text), &heard));
	assert_int_equal(claims_ask(&question, &path), 0);
	assert_false(claims_answered(&question, buf_view(&path), &heard));
	assert_true(claims_answered(&question, buf_view(&text), &heard));
	buf_fini(&text);
	buf_fini(&path);
}

static void
test_malformed(void **state)
{
	static const char *const wrong[] = {
		"",
		"last",
		"last 0000000000000001",
		"last 000000000000001\n",
		"last 000000000000000G\n",
		"first 0000000000000001\n",
		"last 0000000000000001\n198.18.0.7 1",
		"last 0000000000000001\n198.18.0.7\n",
		"last 0000000000000001\n198.18.0.7 0\n",
		"last 0000000000000001\n198.18.0.7 65536\n",
		"last 0000000000000001\n198.18.0 1\n",
		"last 0000000000000001\n\n",
		"last 0000000000000001\n198.18.0.7 1\n\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(claims_parse(str_z(wrong[i]), &heard));
	assert_true(claims_parse(STR("last 0000000000000001\n"), &heard));
	assert_int_equal(heard.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
