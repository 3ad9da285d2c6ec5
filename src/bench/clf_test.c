#include "bench/clf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct line_case {
	const char *line;
	const char *method; /* NULL: unreadable */
	const char *target;
	unsigned status;
	uint64_t bytes;
};

#define AT "h.example - - [01/Aug/1995:06:00:00 +0000] "
static const struct line_case lines[] = {
	{AT "\"GET /a.gif HTTP/1.0\" 200 1713", "GET", "/a.gif", 200, 1713},
	{AT "\"HEAD / HTTP/1.1\" 304 -", "HEAD", "/", 304, 0},
	{AT "\"GET /old\" 200 5", "GET", "/old", 200, 5},
	{AT "\"GET /a b HTTP/1.0\" 404 0", "GET", "/a b", 404, 0},
	{AT "\"GET /a b\" 404 0", "GET", "/a b", 404, 0},
	{AT "\"GET  /a  HTTP/1.0\" 200 1", "GET", "/a", 200, 1},
	{AT "\"GET /\"q\" HTTP/1.0\" 200 1", "GET", "/\"q\"", 200, 1},
	{AT "\"GET /a HTTP/1.0\" 200 9 \"http://r/\" \"Agent 200 7\"", "GET",
		"/a", 200, 9},
	{AT "\"GET /a HTTP/1.0\" 200 1 ", "GET", "/a", 200, 1},
	{"", NULL},
	{"h - - \"GET /a HTTP/1.0\" 200 1", NULL},
	{AT, NULL},
	{AT "\"\" 400 0", NULL},
	{AT "\"GET\" 400 0", NULL},
	{AT "\"GET \" 400 0", NULL},
	{AT "\"\x16\x03\x01\" 400 0", NULL},
	{AT "\"get /a HTTP/1.0\" 200 1", NULL},
	{AT "\"GET /a HTTP/1.0\" 20 1", NULL},
	{AT "\"GET /a HTTP/1.0\" 099 1", NULL},
	{AT "\"GET /a HTTP/1.0\" 200", NULL},
	{AT "\"GET /a HTTP/1.0\" 200 x", NULL},
	{AT "\"GET /a HTTP/1.0\" 200 99999999999999999999", NULL},
	{AT "\"GET /a HTTP/1.0 200 1", NULL},
};

static void
lines_are_read_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const struct line_case *c = &lines[i];
		struct clf_line l;

		print_message("%s\n", c->line);
		assert_int_equal(
			clf_parse(str_z(c->line), &l), c->method != NULL);
		if (!c->method)
			continue;
		assert_true(str_eq(l.method, str_z(c->method)));
		assert_true(str_eq(l.target, str_z(c->target)));
		assert_int_equal(l.status, c->status);
		assert_int_equal(l.bytes, c->bytes);
	}
}

/* logged, sendable (NULL: no such form) */
static const char *targets[][2] = {
	{"/a.gif", "/a.gif"},
	{"/", "/"},
	{"/cgi?a=b&c=%2B+d", "/cgi?a=b&c=%2B+d"},
	{"//a//b", "//a//b"},
	{"/a/../b/./c", "/a/../b/./c"},
	{"/a b\\\"<#>", "/a%20b%5C%22%3C%23%3E"},
	{"/100%", "/100%25"},
	{"/100%zz%4", "/100%25zz%254"},
	{"/\xe9", "/%E9"},
	{"http://h.example:80/a?b", "/a?b"},
	{"/?..", "/?.."},
	{"/...", "/..."},
	{"/..a", "/..a"},
	{"", NULL},
	{"*", NULL},
	{"a.gif", NULL},
	{"http://h.example", NULL},
	{"ftp://h.example/", NULL},
	{"/..", NULL},
	{"/../a", NULL},
	{"/a/../../b", NULL},
	{"/%2e%2E/etc/passwd", NULL},
	{"/a%2f..%2f../b", NULL},
	{"/a%00", NULL},
};

static void
targets_are_made_sendable_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		const char *want = targets[i][1];
		struct buf out = {0};

		print_message("%s\n", targets[i][0]);
		assert_int_equal(
			clf_sendable(str_z(targets[i][0]), &out), want != NULL);
		assert_true(str_eq(buf_view(&out), str_z(want ? want : "")));
		buf_fini(&out);
	}
}

static void
a_target_too_long_is_refused(void **state)
{
	char z[CLF_TARGET_MAX + 1];
	struct buf out = {0};

	memset(z, '/', sizeof(z));
	assert_false(clf_sendable(str_of(z, sizeof(z)), &out));
	assert_true(clf_sendable(str_of(z, sizeof(z) - 1), &out));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_or_refused),
		cmocka_unit_test(targets_are_made_sendable_or_refused),
		cmocka_unit_test(a_target_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
