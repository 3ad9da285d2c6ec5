#include "bench/clf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
		struct trace_entry l;

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
