#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>

#include "net/proxyproto.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR "\x7f\0\0\1\xc0\0\2\x0a\x88\xb6\x9b\x7a"
#define SIX "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
#define MANY_100                                             \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Headers as haproxy 2.6 wrote them, most of them. */
static const struct {
	struct str in;
	enum proxyproto_family family;
	bool local;
	const char *ends; /* "source port destination port" */
	bool tls;
} good[] = {
	{STR("PROXY TCP4 127.0.0.1 127.0.0.1 39280 39801\r\n"), PROXYPROTO_IPV4,
		false, "127.0.0.1 39280 127.0.0.1 39801"},
	{STR("PROXY TCP6 ::1 ::1 42956 39806\r\n"), PROXYPROTO_IPV6, false,
		"::1 42956 ::1 39806"},
	{STR("PROXY TCP6 2001:DB8::a ::ffff:1.2.3.4 0 65535\r\n"),
		PROXYPROTO_IPV6, false, "2001:db8::a 0 ::ffff:1.2.3.4 65535"},
	{STR("PROXY UNKNOWN\r\n"), PROXYPROTO_UNKNOWN},
	{STR("PROXY UNKNOWN any thing\r\n"), PROXYPROTO_UNKNOWN},
	{STR(SIGNATURE "\x20\0\0\0"), PROXYPROTO_UNKNOWN, true},
	{STR(SIGNATURE "\x20\0\0\x0a\3\0\4\x82\x63\x74\xb8\5\0\0"),
		PROXYPROTO_UNKNOWN, true},
	{STR(SIGNATURE "\x20\xff\0\1x"), PROXYPROTO_UNKNOWN, true},
	{STR(SIGNATURE "\x21\0\0\3abc"), PROXYPROTO_UNKNOWN},
	{STR(SIGNATURE "\x21\x11\0\x1e\x7f\0\0\1\x7f\0\0\1\x88\xb6\x9bz"
		       "\3\0\4\x1b\3\x88\x36\5\0\x08id-16040"),
		PROXYPROTO_IPV4, false, "127.0.0.1 34998 127.0.0.1 39802"},
	{STR(SIGNATURE "\x21\x21\0\x2e" SIX SIX "\x8b\xc6\x9b\x7b\3\0\4"
		       "\xcfV\xfc\xc6\5\0\0"),
		PROXYPROTO_IPV6, false, "::1 35782 ::1 39803"},
	{STR(SIGNATURE "\x21\x12\0\x0c" FOUR), PROXYPROTO_IPV4, false,
		"127.0.0.1 34998 192.0.2.10 39802"},
	{STR(SIGNATURE "\x21\x11\0\x1e" FOUR
		       "\x20\0\x0f\7\0\0\0\0\x21\0\7TLSv1.3"),
		PROXYPROTO_IPV4, false, "127.0.0.1 34998 192.0.2.10 39802",
		true},
	{STR(SIGNATURE "\x21\x11\0\x14" FOUR "\x20\0\5\6\0\0\0\1"),
		PROXYPROTO_IPV4, false, "127.0.0.1 34998 192.0.2.10 39802"},
};

static const char *
end_text(const struct proxyproto *p, const struct proxyproto_end *e)
{
	static char text[2][64];
	static unsigned which;
	char *out = text[which++ % 2], address[INET6_ADDRSTRLEN];
	bool v4 = p->family == PROXYPROTO_IPV4;

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? (const void *)&e->v4 : &e->v6,
		address, sizeof(address));
	snprintf(out, sizeof(text[0]), "%s %u", address, e->port);
	return out;
}

/* Each of them, with more behind it; and none of its prefixes. */
static void
test_good(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct proxyproto p = {.bytes = 7};
		char more[300], ends[160];
		size_t n = good[i].in.n;

		for (size_t k = 0; k < n; k++)
			assert_int_equal(
				proxyproto_parse(str_of(good[i].in.p, k), &p),
				PROXYPROTO_MORE);
		assert_int_equal(p.bytes, 7);
		memcpy(more, good[i].in.p, n);
		memcpy(more + n, "GET", 3);
		if (proxyproto_parse(str_of(more, n + 3), &p) !=
			PROXYPROTO_DONE)
			fail_msg("case %zu", i);
		assert_int_equal(p.bytes, n);
		assert_int_equal(p.family, good[i].family);
		assert_int_equal(p.local, good[i].local);
		assert_int_equal(p.tls, good[i].tls);
		if (!good[i].ends)
			continue;
		snprintf(ends, sizeof(ends), "%s %s", end_text(&p, &p.source),
			end_text(&p, &p.destination));
		assert_string_equal(ends, good[i].ends);
	}
}

static void
test_unix(void **state)
{
	char in[16 + 216] = SIGNATURE "\x21\x31\0\xd8";
	struct proxyproto p;

	memcpy(in + 16, "/run/a", 6);
	memset(in + 16 + 108, 'b', 108); /* without a zero */
	assert_int_equal(
		proxyproto_parse(str_of(in, sizeof(in)), &p), PROXYPROTO_DONE);
	assert_int_equal(p.family, PROXYPROTO_UNIX);
	assert_true(str_eq(p.source.path, STR("/run/a")));
	assert_int_equal(p.destination.path.n, 108);
	assert_ptr_equal(p.destination.path.p, in + 16 + 108);
}

static void
test_bad(void **state)
{
	static const struct str bad[] = {
		STR("GET / HTTP/1.1\r\n"),
		STR("PROXY\r"),
		STR("PROXYX"),
		STR("proxy"),
		STR("PROXY \r\n"),
		STR("PROXY TCP4\r\n"),
		STR("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"),
		STR("PROXY UNKNOWNX\r\n"),
		STR("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1\t2\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n"),
		STR("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n"),
		STR("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n"),
		STR("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"),
		STR("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"),
		STR("PROXY TCP4 ::1 ::1 1 2\r\n"),
		STR("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"),
		STR("PROXY TCP6 ::1::2 ::1 1 2\r\n"),
		STR("PROXY TCP6 00001::2 ::1 1 2\r\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"),
		STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rx\n"),
		STR("PROXY UNKNOWN\r \r\n"),
		STR("PROXY UNKNOWN\n"),
		STR("PROXY UNKNOWN " MANY_100),
		STR("\r\n\r\nGET"),
		STR("\r\n\r\n\0\r\nQUIT\r"),
		STR(SIGNATURE "\x10\x11\0\x0c"),
		STR(SIGNATURE "\x22\x11\0\x0c"),
		STR(SIGNATURE "\x31\x11\0\x0c"),
		STR(SIGNATURE "\x21\x11\xff\xff"),
		STR(SIGNATURE "\x21\x10\0\x0c" FOUR),
		STR(SIGNATURE "\x21\x13\0\x0c" FOUR),
		STR(SIGNATURE "\x21\x01\0\x0c" FOUR),
		STR(SIGNATURE "\x21\x41\0\x0c" FOUR),
		STR(SIGNATURE "\x21\x11\0\x0b" FOUR),
		STR(SIGNATURE "\x21\x21\0\x0c" FOUR),
		STR(SIGNATURE "\x21\x11\0\x0d" FOUR "\4"),
		STR(SIGNATURE "\x21\x11\0\x0e" FOUR "\4\0"),
		STR(SIGNATURE "\x21\x11\0\x10" FOUR "\4\0\2x"),
		STR(SIGNATURE "\x21\x11\0\x12" FOUR "\3\0\3abc"),
		STR(SIGNATURE "\x21\x11\0\x13" FOUR "\3\0\4abcd"),
		STR(SIGNATURE "\x21\x11\0\x13" FOUR "\x20\0\4\1\0\0\0"),
	};
	struct proxyproto p = {.bytes = 7};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (proxyproto_parse(bad[i], &p) != PROXYPROTO_BAD)
			fail_msg("case %zu", i);
	assert_int_equal(p.bytes, 7);
	assert_int_equal(
		proxyproto_parse((struct str){0}, &p), PROXYPROTO_MORE);
}

/* The longest line that the text allows for, and one byte more. */
static void
test_line_limit(void **state)
{
	char in[109] = "PROXY UNKNOWN ";
	struct proxyproto p;

	memset(in + 14, 'x', 91);
	memcpy(in + 105, "\r\n", 2);
	assert_int_equal(
		proxyproto_parse(str_of(in, 107), &p), PROXYPROTO_DONE);
	memcpy(in + 105, "x\r\n", 3);
	assert_int_equal(
		proxyproto_parse(str_of(in, 106), &p), PROXYPROTO_MORE);
	assert_int_equal(proxyproto_parse(str_of(in, 107), &p), PROXYPROTO_BAD);
	assert_int_equal(proxyproto_parse(str_of(in, 108), &p), PROXYPROTO_BAD);
}

/* haproxy's header with its checksum, each of its bits turned. */
static void
test_checksum(void **state)
{
	struct str whole = good[9].in;
	char copy[64];
	struct proxyproto p;

	for (size_t bit = 16 * 8; bit < whole.n * 8; bit++) {
		memcpy(copy, whole.p, whole.n);
		copy[bit / 8] ^= (char)(1 << bit % 8);
		/* The type of the checksum's field itself is not sealed. */
		if (bit / 8 == 28)
			continue;
		assert_int_equal(proxyproto_parse(str_of(copy, whole.n), &p),
			PROXYPROTO_BAD);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
