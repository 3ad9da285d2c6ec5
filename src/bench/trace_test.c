#include "bench/trace.h"

#include "bench/catalog.h"
#include "bench/home_ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct squid_case {
	const char *line;
	const char *method; /* NULL: unreadable */
	const char *target;
	unsigned status;
	uint64_t bytes;
} squid_lines[] = {
	{"979992041.366    502 192.168.1.160 TCP_IMS_HIT/304 216 GET "
	 "http://example.com/home2.html - NONE/- text/html",
		"GET", "http://example.com/home2.html", 304, 216},
	{"848278028.829 12 h TCP_MISS/200 1713 GET http://h/a", "GET",
		"http://h/a", 200, 1713},
	{"1.000 -1 h TCP_MISS/000 0 POST http://h/ - DIRECT/h -", "POST",
		"http://h/", 0, 0},
	{"1.000 0 ::1 NONE/400 3 NONE error:invalid-request - NONE/- -", "NONE",
		"error:invalid-request", 400, 3},
	{"1.000 0 h UDP_HIT/000 3 ICP_QUERY http://h/ - NONE/- -", "ICP_QUERY",
		"http://h/", 0, 3},
	{"1.000 0 h TCP_TUNNEL/200 9 CONNECT h:443 - HIER_DIRECT/h -",
		"CONNECT", "h:443", 200, 9},
	{"", NULL},
	{"1 0 h TCP_MISS/200 1 GET http://h/", NULL},
	{"1.x 0 h TCP_MISS/200 1 GET http://h/", NULL},
	{"1.000 0 h TCP_MISS 1 GET http://h/", NULL},
	{"1.000 0 h TCP_MISS/20 1 GET http://h/", NULL},
	{"1.000 0 h TCP_MISS/020 1 GET http://h/", NULL},
	{"1.000 0 h TCP_MISS/200 - GET http://h/", NULL},
	{"1.000 0 h TCP_MISS/200 1 get http://h/", NULL},
	{"1.000 0 h TCP_MISS/200 1 GET", NULL},
	{"h - - [01/Aug/1995:06:00:00 +0000] \"GET /a HTTP/1.0\" 200 1", NULL},
};

static void
squids_lines_are_read_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(squid_lines) / sizeof(*squid_lines);
		i++) {
		const struct squid_case *c = &squid_lines[i];
		struct trace_entry e;
		size_t used = 0;
		enum trace_result r = trace_next(
			TRACE_SQUID, str_z(c->line), true, &e, &used);

		print_message("%s\n", c->line);
		if (!*c->line)
			assert_int_equal(r, TRACE_MORE);
		else
			assert_int_equal(
				r, c->method ? TRACE_ENTRY : TRACE_UNREADABLE);
		assert_int_equal(used, strlen(c->line));
		if (!c->method)
			continue;
		assert_true(str_eq(e.method, str_z(c->method)));
		assert_true(str_eq(e.target, str_z(c->target)));
		assert_int_equal(e.status, c->status);
		assert_int_equal(e.bytes, c->bytes);
	}
}

/* The example of the traces' own description, as logparse.h has it. */
#define TIMES                                                      \
	"\x32\x8f\xaa\x0c\x00\x0c\xa8\x89\x32\x8f\xaa\x0c\x00\x0d" \
	"\xa2\xde\x32\x8f\xaa\x0c\x00\x0d\xa9\x6e"
#define ADDRESSES "\x17\xf0\x08\x62\x05\xb6\xcf\x24\xcd\xc2\x00\x50"
#define NONE "\xff\xff\xff\xff"
#define URL "GET 9168504434183313441..gif HTTP/1.0"
#define RECORD(since, body, line)                                        \
	TIMES ADDRESSES "\x02\x08" since NONE "\x31\xcb\xfe\xa5\x00\x00" \
			"\x00\xaa" body "\x00" line
#define GIF RECORD(NONE, "\x00\x00\x03\x4c", "\x25" URL)
static const char gif[] = GIF;
enum { GIF_BYTES = sizeof(gif) - 1 };

static void
a_record_is_read(void **state)
{
	struct buf target = {0};
	struct trace_entry e;
	size_t used = 0;

	assert_int_equal(GIF_BYTES, HOME_IP_HEAD + 37);
	assert_int_equal(trace_next(TRACE_HOME_IP, str_of(gif, GIF_BYTES),
				 false, &e, &used),
		TRACE_ENTRY);
	assert_int_equal(used, GIF_BYTES);
	assert_int_equal(e.status, 200);
	assert_int_equal(e.bytes, 844);
	assert_true(str_eq(e.method, STR("GET")));
	assert_string_equal(e.server, "207.36.205.194");
	assert_true(trace_target(TRACE_HOME_IP, &e, &target));
	assert_true(str_eq(buf_view(&target),
		STR("/207.36.205.194/9168504434183313441..gif")));
	buf_fini(&target);
}

static void
a_record_that_is_cut_off_waits_or_is_unreadable(void **state)
{
	for (size_t n = 0; n < GIF_BYTES; n++) {
		struct trace_entry e;
		size_t used = 0;

		assert_int_equal(trace_next(TRACE_HOME_IP, str_of(gif, n),
					 false, &e, &used),
			TRACE_MORE);
		assert_int_equal(trace_next(TRACE_HOME_IP, str_of(gif, n), true,
					 &e, &used),
			n ? TRACE_UNREADABLE : TRACE_MORE);
		assert_int_equal(used, n);
	}
}

static const char odd[] =
	/* a 304; no body seen; a redirection perhaps; no request line */
	RECORD("\x31\xcb\xfe\xa5", "\x00\x00\x00\x00", "\x08GET a..h") RECORD(
		NONE, NONE, "\x08GET b..h") RECORD(NONE, "\x00\x00\x00\x00",
		"\x08GET c..h") RECORD(NONE, "\x00\x00\x00\x01", "\x03GET")
		RECORD(NONE, "\x00\x00\x00\x02", "\x08GET d..h");

static void
records_without_a_body_are_told_apart(void **state)
{
	static const unsigned want[] = {304, 0, 0, 999, 200};
	struct str in = str_of(odd, sizeof(odd) - 1);

	for (size_t i = 0; i < 5; i++) {
		struct trace_entry e = {.status = 999};
		size_t used = 0;

		trace_next(TRACE_HOME_IP, in, true, &e, &used);
		assert_int_equal(e.status, want[i]);
		in = str_of(in.p + used, in.n - used);
	}
	assert_int_equal(in.n, 0);
}

#define CLF_LINE "h - - [01/Aug/1995:06:00:00 +0000] \"GET /a HTTP/1.0\" 200 1"
#define SQUID_LINE "1.000 0 h TCP_MISS/200 1 GET http://h/a - - -"

static void
formats_are_told_by_their_looks(void **state)
{
	static const struct {
		struct str start;
		enum trace_format format;
	} cases[] = {
		{STR(CLF_LINE "\n"), TRACE_CLF},
		{STR(SQUID_LINE "\n"), TRACE_SQUID},
		{STR("odd\n" SQUID_LINE "\n" CLF_LINE "\n" SQUID_LINE "\n"),
			TRACE_SQUID},
		{STR("odd\n" CLF_LINE), TRACE_CLF},
		{STR(GIF GIF), TRACE_HOME_IP},
		{STR(""), TRACE_CLF},
	};
	enum trace_format f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(trace_detect(cases[i].start), cases[i].format);
	assert_true(trace_format_named(STR("home-ip"), &f));
	assert_int_equal(f, TRACE_HOME_IP);
	assert_false(trace_format_named(STR("iis"), &f));
}

static void
lines_may_end_in_any_way(void **state)
{
	struct trace_entry e;
	size_t used = 0;

	assert_int_equal(trace_next(TRACE_CLF, STR(CLF_LINE), false, &e, &used),
		TRACE_MORE);
	assert_int_equal(
		trace_next(TRACE_CLF, STR(CLF_LINE "\r\nx"), false, &e, &used),
		TRACE_ENTRY);
	assert_int_equal(used, sizeof(CLF_LINE) + 1);
	assert_int_equal(trace_next(TRACE_CLF, STR("\n"), false, &e, &used),
		TRACE_UNREADABLE);
	assert_int_equal(used, 1);
}

static void
a_line_without_an_end_is_passed_over(void **state)
{
	static char endless[TRACE_ENTRY_MAX];
	struct trace_entry e;
	size_t used = 0;

	memset(endless, 'x', sizeof(endless));
	assert_int_equal(trace_next(TRACE_CLF, str_of(endless, sizeof(endless)),
				 false, &e, &used),
		TRACE_UNREADABLE);
	assert_int_equal(used, sizeof(endless));
}

/* What is read does not depend on where reads end. */
static void
a_catalog_is_made_of_each(void **state)
{
	static const struct {
		struct str log;
		size_t objects, requests, unreadable, conditional, others;
	} logs[] = {
		{STR(CLF_LINE "\nodd\n" CLF_LINE), 1, 2, 1, 0, 0},
		{STR(SQUID_LINE "\n" SQUID_LINE "\n1.000 0 h TCP_DENIED/403 1 "
				"CONNECT h:443 - - -\nodd\n"),
			1, 2, 1, 0, 1},
		{STR(GIF GIF RECORD("\x31\xcb\xfe\xa5", "\x00\x00\x00\x00",
			 "\x25" URL) "cut off"),
			1, 3, 1, 1, 0},
	};

	for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
		FILE *f = fmemopen((void *)logs[i].log.p, logs[i].log.n, "r");
		struct catalog c = {0};

		assert_int_equal(catalog_read(&c, f, NULL), 0);
		fclose(f);
		assert_int_equal(c.nobjects, logs[i].objects);
		assert_int_equal(c.nrequests, logs[i].requests);
		assert_int_equal(c.unreadable, logs[i].unreadable);
		assert_int_equal(c.conditional, logs[i].conditional);
		assert_int_equal(c.other_methods, logs[i].others);
		assert_int_equal(c.objects[0].status, 200);
		catalog_fini(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(squids_lines_are_read_or_refused),
		cmocka_unit_test(a_record_is_read),
		cmocka_unit_test(
			a_record_that_is_cut_off_waits_or_is_unreadable),
		cmocka_unit_test(records_without_a_body_are_told_apart),
		cmocka_unit_test(formats_are_told_by_their_looks),
		cmocka_unit_test(lines_may_end_in_any_way),
		cmocka_unit_test(a_line_without_an_end_is_passed_over),
		cmocka_unit_test(a_catalog_is_made_of_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
