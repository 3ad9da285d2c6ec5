/* What is told of connections at once, and who is believed. */
#include "handoff/notice.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct notice_from from = {
	.secret = STR("0123456789abcdef"), .cluster = "c", .node = "n1"};
static struct notice said, heard;

static void
add(const char *addr, uint16_t port)
{
	struct notice_move *m = &said.v[said.n++];

	assert_int_equal(inet_pton(AF_INET6, addr, &m->claim.client), 1);
	m->claim.port = port;
	m->giver.s_addr = htonl(0xc6120102);
}

static void
say(void)
{
	said = (struct notice){.number = UINT64_MAX - 1};
	add("::ffff:198.18.0.7", 40123);
	add("2001:db8::7", 65535);
	add("::1", 1);
}

static void
test_round_trip(void **state)
{
	struct buf b = {0};

	(void)state;
	say();
	assert_int_equal(notice_put(&from, &said, &b), 0);
	assert_int_equal(buf_len(&b), 8 + 11 + 2 * 23 + 16);
	assert_true(notice_take(&from, buf_view(&b), &heard));
	assert_int_equal(heard.n, said.n);
	assert_true(heard.number == said.number);
	for (size_t i = 0; i < said.n; i++) {
		assert_memory_equal(
			&heard.v[i].claim.client, &said.v[i].claim.client, 16);
		assert_int_equal(heard.v[i].claim.port, said.v[i].claim.port);
		assert_int_equal(
			heard.v[i].giver.s_addr, said.v[i].giver.s_addr);
	}
	buf_fini(&b);
}

static void
test_forged(void **state)
{
	struct notice_from other = from;
	struct buf b = {0};

	(void)state;
	say();
	assert_int_equal(notice_put(&from, &said, &b), 0);
	for (size_t i = 0; i < buf_len(&b); i++) {
		buf_head(&b)[i] ^= 1;
		assert_false(notice_take(&from, buf_view(&b), &heard));
		buf_head(&b)[i] ^= 1;
		assert_false(
			notice_take(&from, str_of(buf_head(&b), i), &heard));
	}
	other.node = "n2";
	assert_false(notice_take(&other, buf_view(&b), &heard));
	other = from;
	other.cluster = "d";
	assert_false(notice_take(&other, buf_view(&b), &heard));
	other = from;
	other.secret = STR("0123456789abcdeg");
	assert_false(notice_take(&other, buf_view(&b), &heard));
	buf_fini(&b);
}

static void
test_malformed(void **state)
{
	static const struct str wrong[] = {
		STR("1234567"),
		STR("12345678\4"),
		STR("12345678\5aaaappgggg"),
		STR("12345678\4aaaa\0\0gggg"), /* no port */
		STR("12345678\4aaaappggg"),    /* cut off */
		STR("12345678\4aaaappgggg\4"), /* ... the second */
		STR("12345678\6"
		    "aaaaaaaaaaaaaaaappggg"),
		/* IPv4, as IPv6 */
		STR("12345678\6\0\0\0\0\0\0\0\0\0\0\xff\xff"
		    "aaaappgggg"),
	};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(notice_parse(wrong[i], &heard));
	assert_true(notice_parse(STR("12345678"), &heard));
	assert_int_equal(heard.n, 0);
	/* More than there may be. */
	said = (struct notice){.number = 1};
	for (int i = 0; i < NOTICE_MAX; i++)
		add("::ffff:198.18.0.7", 1);
	notice_write(&said, &b);
	assert_true(notice_parse(buf_view(&b), &heard));
	buf_str(&b, STR("\4aaaappgggg"));
	assert_false(notice_parse(buf_view(&b), &heard));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
