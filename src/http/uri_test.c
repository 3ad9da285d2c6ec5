#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "http/uri.h"

static void
test_target(void **state)
{
	static const struct {
		struct str in;
		struct uri uri;
	} cases[] = {
		{STR("/"), {URI_ORIGIN, .path = STR("/")}},
		{STR("/a?b?c"),
			{URI_ORIGIN, .path = STR("/a"), .query = STR("b?c")}},
		{STR("/?"), {URI_ORIGIN, .path = STR("/"), .query = STR("")}},
		{STR("//a/b"), {URI_ORIGIN, .path = STR("//a/b")}},
		{STR("/http://a"), {URI_ORIGIN, .path = STR("/http://a")}},
		{STR("*"), {URI_ASTERISK}},
		{STR("example.org:443"),
			{URI_AUTHORITY, .host = STR("example.org"),
				.port = 443}},
		{STR("[::1]:1"),
			{URI_AUTHORITY, .host = STR("[::1]"), .port = 1}},
		{STR("HTTP://A.b:8080/c?d"),
			{URI_ABSOLUTE, STR("A.b"), STR("/c"), STR("d"), 8080}},
		{STR("http://a"), {URI_ABSOLUTE, STR("a")}},
		{STR("http://a:?b/c"),
			{URI_ABSOLUTE, STR("a"), .query = STR("b/c")}},
		{STR("http://[2001:db8::1]/"),
			{URI_ABSOLUTE, STR("[2001:db8::1]"), STR("/")}},
		{STR("HttpS://a:80"),
			{URI_ABSOLUTE, STR("a"), .port = 80, .https = true}},
	};
	struct uri u;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct uri *want = &cases[i].uri;

		if (uri_parse_target(cases[i].in, &u) != 0 ||
			u.form != want->form || u.port != want->port ||
			u.https != want->https || !str_eq(u.host, want->host) ||
			!str_eq(u.path, want->path) ||
			!str_eq(u.query, want->query) ||
			!u.query.p != !want->query.p)
			fail_msg("%.*s", STR_ARG(cases[i].in));
	}
}

static void
test_bad_target(void **state)
{
	static const struct str cases[] = {
		STR(""),
		STR("a"),
		STR("a/b"),
		STR("?a"),
		STR("**"),
		STR("/#a"),
		STR("/a b"),
		STR("/\x7f"),
		STR("/\xc3\xa4"),
		STR("http:"),
		STR("http:/a"),
		STR("http://"),
		STR("http:///a"),
		STR("http://:80/"),
		STR("http://u@a/"),
		STR("http://u:p@a/"),
		STR("http://a#b"),
		STR("http://a:0/"),
		STR("http://a:65536/"),
		STR("http://a:8o/"),
		STR("http://a:80:80/"),
		STR("http://a\\b/"),
		STR("http://a%62/"),
		STR("http://[::1/"),
		STR("http://[::g]/"),
		STR("http://[::1]a/"),
		STR("http://[]/"),
		STR("http://::1/"),
		STR("http://a..b/"),
		STR("http://.a/"),
		STR("http://./"),
		STR("http://a../"),
		STR("https:/a"),
		STR("https://"),
		STR("httpss://a/"),
		STR("ftp://a/"),
		STR("a:"),
		STR("[::1]"),
	};
	struct uri u = {.port = 7};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (uri_parse_target(cases[i], &u) != -EINVAL || u.port != 7)
			fail_msg("%.*s", STR_ARG(cases[i]));
}

static void
test_authority(void **state)
{
	struct str host = STR("kept");
	uint16_t port = 7;
	char long_name[300];

	memset(long_name, 'a', sizeof(long_name));
	assert_int_equal(
		uri_parse_authority((struct str){0}, &host, &port), -EINVAL);
	assert_int_equal(
		uri_parse_authority(STR("a:x"), &host, &port), -EINVAL);
	assert_int_equal(
		uri_parse_authority(str_of(long_name, 256), &host, &port),
		-EINVAL);
	assert_true(str_eq(host, STR("kept")) && port == 7);
	assert_int_equal(
		uri_parse_authority(str_of(long_name, 255), &host, &port), 0);
	assert_int_equal(
		uri_parse_authority(STR("a_b.c.:080"), &host, &port), 0);
	assert_true(str_eq(host, STR("a_b.c.")) && port == 80);
	assert_int_equal(
		uri_parse_authority(STR("[::ffff:1.2.3.4]:"), &host, &port), 0);
	assert_true(str_eq(host, STR("[::ffff:1.2.3.4]")) && port == 0);
}

static void
test_key(void **state)
{
	static const struct {
		const char *target, *key;
	} cases[] = {
		{"http://Example.ORG", "http://example.org/"},
		{"HTTP://a:80/", "http://a/"},
		{"http://AZ-az.09_~.AMZ.zma/", "http://az-az.09_~.amz.zma/"},
		{"http://a:8080/", "http://a:8080/"},
		{"http://a.:80", "http://a/"},
		{"http://[::A]:80/", "http://[::a]/"},
		{"http://a/B?C", "http://a/B?C"},
		{"http://a?", "http://a/?"},
		{"http://a/%7euser/%41%2d%5F?%7e%2f",
			"http://a/~user/A-_?~%2F"},
		{"http://a/%2f%3f%e4%00", "http://a/%2F%3F%E4%00"},
		{"http://a/b/./c/../d", "http://a/b/d"},
		{"http://a/%2e%2E/b/.%2e/c", "http://a/c"},
		{"http://a/../../b", "http://a/b"},
		{"http://a/b/..", "http://a/"},
		{"http://a/b/.", "http://a/b/"},
		{"http://a/.", "http://a/"},
		{"http://a/b//../c", "http://a/b/c"},
		{"http://a//b//", "http://a//b//"},
		{"http://a/...", "http://a/..."},
		{"http://a/b?c/../d", "http://a/b?c/../d"},
		{"http://a/%", "http://a/%"},
		{"http://a/%4", "http://a/%4"},
		{"http://a/%zz%41/%41", "http://a/%zz%41/A"},
		{"http://a/%%341", "http://a/%%341"},
		{"http://a/%4%31?%4%31", "http://a/%4%31?%4%31"},
		{"http://a/%zz%41/../%41", "http://a/A"},
		{"http://a:443/", "http://a:443/"},
		{"HTTPS://A", "https://a/"},
		{"https://a:443/b/../c", "https://a/c"},
		{"https://a.:80/", "https://a:80/"},
		{"https://long-host-name.test:65535",
			"https://long-host-name.test:65535/"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri u;

		buf_consume(&b, buf_len(&b));
		buf_z(&b, "x"); /* appends */
		assert_int_equal(
			uri_parse_target(str_z(cases[i].target), &u), 0);
		assert_int_equal(uri_key(&u, &b), strlen(cases[i].key));
		buf_consume(&b, 1);
		if (!str_eq(buf_view(&b), str_z(cases[i].key)))
			fail_msg("%s: %.*s", cases[i].target,
				STR_ARG(buf_view(&b)));
	}
	buf_fini(&b);
}

/* Those of RFC 3986, 5.4, with normalised results. */
static void
test_resolve(void **state)
{
	static const struct {
		const char *reference, *key; /* NULL: refused */
	} cases[] = {
		{"g:h", NULL},
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g/"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"},
		{"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"},
		{";x", "http://a/b/c/;x"},
		{"g;x?y#s", "http://a/b/c/g;x?y"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"g#s/../x", "http://a/b/c/g"},
		{"http:g", NULL},
		/* ours */
		{"HTTP://B:80/%7e", "http://b/~"},
		{"//b:81?", "http://b:81/?"},
		{"https://a/", "https://a/"},
		{"https:/", NULL},
		{"a:80", NULL},
		{"_a:80", "http://a/b/c/_a:80"},
		{"//u@a/", NULL},
		{"//", NULL},
		{"g h", NULL},
		{"\xc3\xa4", NULL},
		{"*", "http://a/b/c/*"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *key = cases[i].key;
		int r;

		buf_consume(&b, buf_len(&b));
		r = uri_resolve(STR("http://a/b/c/d;p?q"),
			str_z(cases[i].reference), &b);
		if (r != (key ? 0 : -EINVAL) ||
			!str_eq(buf_view(&b), str_z(key ? key : "")))
			fail_msg("%s: %.*s", cases[i].reference,
				STR_ARG(buf_view(&b)));
	}
	assert_int_equal(uri_resolve(STR("/a"), STR("/b"), &b), -EINVAL);
	assert_int_equal(uri_resolve(STR("a b"), STR("/b"), &b), -EINVAL);
	buf_fini(&b);
}

/* The scheme is the base's, unless the reference has one. */
static void
test_resolve_scheme(void **state)
{
	static const struct {
		const char *reference, *key;
	} cases[] = {
		{"c", "https://a/c"},
		{"//d", "https://d/"},
		{"http://a/c", "http://a/c"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_consume(&b, buf_len(&b));
		assert_int_equal(uri_resolve(STR("https://a/b"),
					 str_z(cases[i].reference), &b),
			0);
		assert_true(str_eq(buf_view(&b), str_z(cases[i].key)));
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_bad_target),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_resolve_scheme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
