#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "http/head.h"

#define RL "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
/* as long as test_limits_within() allows */
#define LONG_RL "GET /345678 HTTP/1.1\r\n"
#define FULL "A: 456789012\r\n"

static void
test_request(void **state)
{
	struct head h;
	struct str in =
		STR("GET /a?b HTTP/1.1\r\nhOST: example.org:80\r\n"
		    "X-Empty:\r\nAccept:\t text/html, */* \t\r\n\r\nBODY");

	assert_int_equal(head_parse_request(in, &h), HEAD_DONE);
	assert_int_equal(h.method, METHOD_GET);
	assert_true(str_eq(h.method_str, STR("GET")));
	assert_true(str_eq(h.target, STR("/a?b")));
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.nfields, 3);
	assert_int_equal(h.bytes, in.n - 4);
	assert_int_equal(h.fields[0].id, FIELD_HOST);
	assert_true(str_eq(h.fields[0].name, STR("hOST")));
	assert_true(str_eq(h.fields[0].value, STR("example.org:80")));
	assert_int_equal(h.fields[1].value.n, 0);
	assert_int_equal(h.fields[2].id, FIELD_OTHER);
	assert_true(str_eq(h.fields[2].value, STR("text/html, */*")));
	for (size_t n = 0; n < in.n - 4; n++)
		assert_int_equal(
			head_parse_request(str_of(in.p, n), &h), HEAD_MORE);
	assert_int_equal(head_parse_request((struct str){0}, &h), HEAD_MORE);
}

static void
test_methods(void **state)
{
	const struct {
		struct str line;
		enum method method;
	} cases[] = {
		{STR("GET / HTTP/1.0\r\n\r\n"), METHOD_GET},
		{STR("HEAD / HTTP/1.0\r\n\r\n"), METHOD_HEAD},
		{STR("POST / HTTP/1.0\r\n\r\n"), METHOD_POST},
		{STR("PUT / HTTP/1.0\r\n\r\n"), METHOD_PUT},
		{STR("DELETE / HTTP/1.0\r\n\r\n"), METHOD_DELETE},
		{STR("OPTIONS * HTTP/1.0\r\n\r\n"), METHOD_OPTIONS},
		{STR("CONNECT a:1 HTTP/1.0\r\n\r\n"), METHOD_CONNECT},
		{STR("TRACE / HTTP/1.0\r\n\r\n"), METHOD_TRACE},
		{STR("PATCH / HTTP/1.0\r\n\r\n"), METHOD_PATCH},
		{STR("get / HTTP/1.0\r\n\r\n"), METHOD_OTHER},
		{STR("GETS / HTTP/1.0\r\n\r\n"), METHOD_OTHER},
	};
	struct head h;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			head_parse_request(cases[i].line, &h), HEAD_DONE);
		assert_int_equal(h.method, cases[i].method);
	}
}

static const struct {
	struct str in;
	enum head_result result;
} results[] = {
	{STR("\r\n" RL HOST "\r\n"), HEAD_DONE},
	{STR("\r\n\r\n" RL HOST "\r\n"), HEAD_DONE},
	{STR("\r\n\r\n\r\n" RL HOST "\r\n"), HEAD_BAD},
	{STR("\n" RL HOST "\r\n"), HEAD_BAD},
	{STR("\r\r"), HEAD_BAD},
	{STR("GET / HTTP/1.0\r\n\r\n"), HEAD_DONE},
	{STR("GET / HTTP/1.0\r\nHost: /\r\n\r\n"), HEAD_BAD},
	/* the request line */
	{STR("GET  / HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
	{STR("GET /  HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
	{STR("GET / HTTP/1.1 \r\n" HOST "\r\n"), HEAD_BAD},
	{STR(" GET / HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
	{STR("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
	{STR("GET /\r\n"), HEAD_BAD},
	{STR("GET HTTP/1.1\r\n"), HEAD_BAD},
	{STR("G(T / HTTP/1.1\r\n"), HEAD_BAD},
	{STR("GET /\xc3\xa4 HTTP/1.1\r\n"), HEAD_BAD},
	{STR("GET /\x7f HTTP/1.1\r\n"), HEAD_BAD},
	{STR("GET /\0 HTTP/1.1\r\n"), HEAD_BAD},
	{STR("GET / HTTP/1.1\n"), HEAD_BAD},
	{STR("GET / HTTP/1.1\r\r\n"), HEAD_BAD},
	{STR("GET /\rx HTTP/1.1\r\n"), HEAD_BAD},
	{STR("GET / http/1.1\r\n"), HEAD_BAD},
	{STR("GET / HTTP/1.10\r\n"), HEAD_BAD},
	{STR("GET / HTTP/1,1\r\n"), HEAD_BAD},
	{STR("GET / HTTP/x.1\r\n"), HEAD_BAD},
	{STR("GET / HTTP/1.2\r\n"), HEAD_VERSION},
	{STR("GET / HTTP/0.9\r\n"), HEAD_VERSION},
	{STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HEAD_VERSION},
	{STR("\x16\x03\x01"), HEAD_BAD}, /* a TLS client */
	/* Host */
	{STR(RL "\r\n"), HEAD_BAD},
	{STR(RL HOST HOST "\r\n"), HEAD_BAD},
	{STR(RL "Host:\r\n\r\n"), HEAD_BAD},
	{STR(RL "Host: a b\r\n\r\n"), HEAD_BAD},
	{STR(RL "Host: a,b\r\n\r\n"), HEAD_BAD},
	{STR(RL "Host: a/b\r\n\r\n"), HEAD_BAD},
	{STR(RL "Host: u@a\r\n\r\n"), HEAD_BAD},
	{STR(RL "Host: a:99999\r\n\r\n"), HEAD_BAD},
	{STR(RL "Host: [::1]:80\r\n\r\n"), HEAD_DONE},
	/* field lines */
	{STR(RL HOST "A : b\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A\t: b\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST " A: b\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\r\n c\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\r\n\tc\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST ": b\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A(: b\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\n"), HEAD_BAD}, /* at once */
	{STR(RL HOST "A: b\r\n\n"), HEAD_BAD},
	{STR(RL HOST "A: b\rc\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\r\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\0c\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\x1f\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\x7f\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A\0: b\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "A: b\tc\xff\r\n\r\n"), HEAD_DONE},
	{STR(RL HOST "Transfer-Encoding:\tchunked \r\n\r\n"), HEAD_DONE},
	{STR(RL HOST "Transfer-Encoding: chunked\t\r\n\r\n"), HEAD_BAD},
	{STR(RL HOST "Content-Length: 5 \t\r\n\r\n"), HEAD_BAD},
};

static void
test_request_results(void **state)
{
	struct head h;

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		enum head_result r = head_parse_request(results[i].in, &h);

		if (r != results[i].result)
			fail_msg("case %zu: %d", i, r);
		assert_true((r == HEAD_DONE) == !h.error);
	}
}

/* A head of n bytes, of field lines that are not too long. */
static void
sized_head(struct buf *b, size_t n)
{
	buf_consume(b, buf_len(b));
	buf_z(b, RL HOST);
	while (buf_len(b) < n - 10000) {
		buf_z(b, "A:");
		for (size_t i = 0; i < 5000; i++)
			buf_z(b, "x");
		buf_z(b, "\r\n");
	}
	buf_z(b, "A:");
	while (buf_len(b) < n - 4)
		buf_z(b, "x");
	buf_z(b, "\r\n\r\n");
}

static void
test_limits(void **state)
{
	struct buf b = {0};
	struct head h;

	sized_head(&b, HEAD_MAX_BYTES);
	assert_int_equal(buf_len(&b), HEAD_MAX_BYTES);
	assert_int_equal(head_parse_request(buf_view(&b), &h), HEAD_DONE);
	assert_int_equal(h.bytes, HEAD_MAX_BYTES);
	sized_head(&b, HEAD_MAX_BYTES + 1);
	assert_int_equal(head_parse_request(buf_view(&b), &h), HEAD_TOO_LARGE);
	assert_int_equal(head_parse_request(
				 str_of(buf_head(&b), HEAD_MAX_BYTES - 1), &h),
		HEAD_MORE);
	assert_int_equal(
		head_parse_request(str_of(buf_head(&b), HEAD_MAX_BYTES), &h),
		HEAD_TOO_LARGE);
	assert_int_equal(head_parse_own_request(buf_view(&b), &h), HEAD_DONE);
	buf_fini(&b);
}

/* Each limit by itself: as much as it allows, and one more. */
static void
test_limits_within(void **state)
{
	static const struct head_limits limits = {
		.line = 20, .field = 12, .bytes = 60, .fields = 3};
	static const struct {
		struct str in;
		enum head_result result;
		const char *error;
	} cases[] = {
		{STR("GET /3456 HTTP/1.1\r\n" HOST "\r\n"), HEAD_DONE},
		{STR(LONG_RL HOST "\r\n"), HEAD_DONE},
		{STR("GET /3456789 HTTP/1.1\r\n" HOST "\r\n"),
			HEAD_LINE_TOO_LONG, "first line too long"},
		{STR("GET /34567890123456789"), HEAD_LINE_TOO_LONG,
			"first line too long"},
		{STR("GET /345678901234567"), HEAD_MORE},
		{STR("GET /34567890123456\n"), HEAD_BAD, "bare LF"},
		{STR(RL HOST FULL "\r\n"), HEAD_DONE},
		{STR(RL HOST "A: 4567890123\r\n\r\n"), HEAD_FIELD_TOO_LONG,
			"field line too long"},
		{STR(RL HOST "A:          3"), HEAD_FIELD_TOO_LONG,
			"field line too long"},
		{STR(RL HOST "A:           "), HEAD_FIELD_TOO_LONG,
			"field line too long"},
		{STR(RL HOST "A2345678901"), HEAD_MORE},
		{STR(RL HOST "A23456789012"), HEAD_MORE},
		{STR(RL HOST "A234567890123"), HEAD_FIELD_TOO_LONG,
			"field line too long"},
		{STR(RL HOST "A23456789012:"), HEAD_FIELD_TOO_LONG,
			"field line too long"},
		{STR(RL HOST "A: 4\0006789012345"), HEAD_BAD, "control byte"},
		{STR(RL HOST "B: 1\r\nC: 2\r\n\r\n"), HEAD_DONE},
		{STR(RL HOST "B: 1\r\nC: 2\r\nD"), HEAD_TOO_MANY_FIELDS,
			"too many fields"},
		{STR(LONG_RL HOST FULL "B: 45678901\r\n\r\n"), HEAD_DONE},
		{STR(LONG_RL HOST FULL "B: 45678901\r\n\r"), HEAD_MORE},
		{STR(LONG_RL HOST FULL FULL), HEAD_MORE},
		{STR(LONG_RL HOST FULL FULL "\r"), HEAD_TOO_LARGE,
			"head too large"},
	};
	struct head h;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum head_result r =
			head_parse_request_within(cases[i].in, &limits, &h);

		if (r != cases[i].result)
			fail_msg("case %zu: %d", i, r);
		if (cases[i].error)
			assert_string_equal(h.error, cases[i].error);
	}
	assert_int_equal(head_parse_response_within(
				 STR("HTTP/1.1 200 1234567890"), &limits, &h),
		HEAD_LINE_TOO_LONG);
}

static void
test_line_limit(void **state)
{
	static const struct {
		size_t n; /* bytes of the request line */
		enum head_result result;
	} cases[] = {
		{HEAD_MAX_LINE, HEAD_DONE},
		{HEAD_MAX_LINE + 1, HEAD_LINE_TOO_LONG},
		{HEAD_MAX_LINE + 2, HEAD_LINE_TOO_LONG},
		{HEAD_MAX_LINE + 1000, HEAD_LINE_TOO_LONG},
	};
	struct head h;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};

		buf_z(&b, "GET /");
		while (buf_len(&b) < cases[i].n - strlen(" HTTP/1.0"))
			buf_z(&b, "x");
		if (cases[i].result == HEAD_LINE_TOO_LONG &&
			buf_len(&b) > HEAD_MAX_LINE + 2)
			assert_int_equal(head_parse_request(buf_view(&b), &h),
				HEAD_LINE_TOO_LONG);
		buf_z(&b, " HTTP/1.0\r\n\r\n");
		assert_int_equal(
			head_parse_request(buf_view(&b), &h), cases[i].result);
		buf_fini(&b);
	}
}

static void
test_field_limit(void **state)
{
	struct buf b = {0};
	struct head h;

	buf_z(&b, RL HOST);
	for (unsigned i = 1; i < HEAD_MAX_FIELDS; i++)
		buf_printf(&b, "A%u: b\r\n", i);
	buf_z(&b, "\r\n");
	assert_int_equal(head_parse_request(buf_view(&b), &h), HEAD_DONE);
	assert_int_equal(h.nfields, HEAD_MAX_FIELDS);
	b.tail -= 2;
	buf_z(&b, "B: c\r\n");
	assert_int_equal(
		head_parse_request(buf_view(&b), &h), HEAD_TOO_MANY_FIELDS);
	buf_fini(&b);
}

static void
test_response(void **state)
{
	static const struct {
		struct str in;
		enum head_result result;
		unsigned status;
		struct str reason;
	} cases[] = {
		{STR("HTTP/1.1 200 OK\r\n\r\n"), HEAD_DONE, 200, STR("OK")},
		{STR("HTTP/1.1 200 \r\n\r\n"), HEAD_DONE, 200, STR("")},
		{STR("HTTP/1.0 200\r\n\r\n"), HEAD_DONE, 200, STR("")},
		{STR("HTTP/1.1 599 a\tb \xe4\r\n\r\n"), HEAD_DONE, 599,
			STR("a\tb \xe4")},
		{STR("HTTP/1.1 404 Not Found\r\nX"), HEAD_MORE},
		{STR("HTTP/1.1 200 O"), HEAD_MORE},
		{STR("HTTP/1.1 099 OK\r\n"), HEAD_BAD},
		{STR("HTTP/1.1 600 OK\r\n"), HEAD_BAD},
		{STR("HTTP/1.1 20 OK\r\n"), HEAD_BAD},
		{STR("HTTP/1.1 2000 OK\r\n"), HEAD_BAD},
		{STR("HTTP/1.1 +20 OK\r\n"), HEAD_BAD},
		{STR("HTTP/1.1  200 OK\r\n"), HEAD_BAD},
		{STR("HTTP/1.1\r\n"), HEAD_BAD},
		{STR("HTTP\r\n"), HEAD_BAD},
		{STR("\r\nHTTP/1.1 200 OK\r\n\r\n"), HEAD_BAD},
		{STR("HTTP/1.1 200 OK\n\n"), HEAD_BAD},
		{STR("HTTP/1.1 200 a\x01\r\n"), HEAD_BAD},
		{STR("HTTP/2.0 200 OK\r\n"), HEAD_VERSION},
		{STR("ICY 200 OK\r\n"), HEAD_BAD},
	};
	struct head h;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum head_result r = head_parse_response(cases[i].in, &h);

		if (r != cases[i].result)
			fail_msg("case %zu: %d", i, r);
		if (r != HEAD_DONE)
			continue;
		assert_int_equal(h.status, cases[i].status);
		assert_true(str_eq(h.reason, cases[i].reason));
		assert_int_equal(h.bytes, cases[i].in.n);
	}
}

static void
test_field_ids(void **state)
{
	static const char *const names[FIELD_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = name,
#include "http/fields.def"
#undef FIELD
	};
	struct head h;

	for (unsigned id = 1; id < FIELD_COUNT; id++) {
		struct buf b = {0};

		buf_printf(&b, "HTTP/1.1 200 OK\r\n%s: 1\r\n%sx: 2\r\n\r\n",
			names[id], names[id]);
		for (char *p = buf_head(&b) + 17; *p != ':'; p++)
			*p = char_lower(*p);
		assert_int_equal(
			head_parse_response(buf_view(&b), &h), HEAD_DONE);
		assert_int_equal(h.fields[0].id, id);
		assert_int_equal(h.fields[1].id, FIELD_OTHER);
		assert_ptr_equal(
			head_find(&h, (enum field_id)id), &h.fields[0]);
		buf_fini(&b);
	}
	assert_null(head_find(&h, FIELD_HOST));
}

/* All fields of an id, in order; and none of another. */
static void
test_find(void **state)
{
	struct str in = STR("HTTP/1.1 200 OK\r\nVia: 1\r\nAge: 2\r\nX: 3\r\n"
			    "via: 4\r\nY: 5\r\nVIA: 6\r\n\r\n");
	const struct field *f;
	struct head h;

	assert_int_equal(head_parse_response(in, &h), HEAD_DONE);
	f = head_find(&h, FIELD_VIA);
	assert_ptr_equal(f, &h.fields[0]);
	f = head_next(&h, f);
	assert_ptr_equal(f, &h.fields[3]);
	f = head_next(&h, f);
	assert_ptr_equal(f, &h.fields[5]);
	assert_null(head_next(&h, f));
	f = head_find(&h, FIELD_AGE);
	assert_ptr_equal(f, &h.fields[1]);
	assert_null(head_next(&h, f));
	f = head_find(&h, FIELD_OTHER);
	assert_ptr_equal(f, &h.fields[2]);
	assert_ptr_equal(head_next(&h, f), &h.fields[4]);
	assert_null(head_find(&h, FIELD_HOST));
}

static void
test_hop_by_hop(void **state)
{
	static const char *const stays[] = {"Host", "Via", "Accept", "Trailer",
		"Content-Length", "X-Closed"};
	struct str in =
		STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, x-mine\r\n"
		    "connection: host, VIA ,Content-Length\r\nVia: 1.1 b\r\n"
		    "X-Mine: 1\r\nX-Closed: 2\r\nAccept: *\r\nTrailer: x\r\n"
		    "Content-Length: 0\r\nKeep-Alive: 1\r\nTE: trailers\r\n"
		    "Proxy-Connection: close\r\nUpgrade: x\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n");
	struct head h;

	assert_int_equal(head_parse_request(in, &h), HEAD_DONE);
	for (unsigned i = 0; i < h.nfields; i++) {
		bool hop = true;

		for (size_t k = 0; k < sizeof(stays) / sizeof(stays[0]); k++)
			hop = hop &&
				!str_ieq(h.fields[i].name, str_z(stays[k]));
		if (head_is_hop_by_hop(&h, &h.fields[i]) != hop)
			fail_msg("%.*s", STR_ARG(h.fields[i].name));
	}
	assert_true(head_has_token(&h, FIELD_CONNECTION, STR("Via")));
	assert_false(head_has_token(&h, FIELD_CONNECTION, STR("x")));
	assert_false(head_has_token(&h, FIELD_TE, STR("close")));
}

static void
test_keep_alive(void **state)
{
	static const struct {
		struct str in;
		bool keep;
	} cases[] = {
		{STR("HTTP/1.1 200 OK\r\n\r\n"), true},
		{STR("HTTP/1.1 200 OK\r\nConnection: a, CLOSE\r\n\r\n"), false},
		{STR("HTTP/1.1 200 OK\r\nConnection: closed\r\n\r\n"), true},
		{STR("HTTP/1.0 200 OK\r\n\r\n"), false},
		{STR("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n"),
			true},
		{STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
		     "Connection: close\r\n\r\n"),
			false},
	};
	struct head h;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			head_parse_response(cases[i].in, &h), HEAD_DONE);
		assert_int_equal(head_keep_alive(&h), cases[i].keep);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_request_results),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_within),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_field_limit),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_field_ids),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_hop_by_hop),
		cmocka_unit_test(test_keep_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
