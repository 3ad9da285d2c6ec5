#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "http/frame.h"

#define CL "Content-Length: "
#define TE "Transfer-Encoding: "

static const struct {
	const char *fields;
	enum frame_result result;
	struct frame frame; /* FRAME_CLOSE: whatever it is without fields */
} cases[] = {
	{"", FRAME_OK, {FRAME_CLOSE}},
	{CL "0\r\n", FRAME_OK, {FRAME_LENGTH}},
	{CL "42\r\n", FRAME_OK, {FRAME_LENGTH, 42}},
	{CL "5, 5\r\n" CL "5\r\n", FRAME_OK, {FRAME_LENGTH, 5}},
	{CL "9223372036854775807\r\n", FRAME_OK, {FRAME_LENGTH, INT64_MAX}},
	{CL "9223372036854775808\r\n", FRAME_BAD},
	{CL "18446744073709551621\r\n", FRAME_BAD}, /* 2^64 + 5 */
	{CL "5, 6\r\n", FRAME_BAD},
	{CL "5\r\n" CL "6\r\n", FRAME_BAD},
	{CL "5,\r\n", FRAME_BAD},
	{CL "\r\n", FRAME_BAD},
	{CL "+5\r\n", FRAME_BAD},
	{CL "-1\r\n", FRAME_BAD},
	{CL "0x5\r\n", FRAME_BAD},
	{CL "5 5\r\n", FRAME_BAD},
	{CL "\"5\"\r\n", FRAME_BAD},
	{TE "chunked\r\n", FRAME_OK, {FRAME_CHUNKED}},
	{TE "Chunked\r\n", FRAME_OK, {FRAME_CHUNKED}},
	{TE "chunked\r\n" CL "5\r\n", FRAME_BAD},
	{CL "5\r\n" TE "x\r\n", FRAME_BAD},
	{TE "chunked, chunked\r\n", FRAME_BAD},
	{TE "chunked\r\n" TE "chunked\r\n", FRAME_BAD},
	{TE "chunked, gzip\r\n", FRAME_BAD},
	{TE "\r\n", FRAME_BAD},
	{TE "chunked,\r\n", FRAME_BAD},
	{TE ", chunked\r\n", FRAME_BAD},
	{TE "chunked\r\n" TE "\r\n", FRAME_BAD},
	{TE "gzip, chunked\r\n", FRAME_UNIMPLEMENTED},
	{TE "gzip\r\n", FRAME_UNIMPLEMENTED},
	{TE "identity\r\n", FRAME_UNIMPLEMENTED},
	{TE "xchunked\r\n", FRAME_UNIMPLEMENTED},
	{TE "chunked;a=b\r\n", FRAME_UNIMPLEMENTED},
	{TE "\"chunked\"\r\n", FRAME_UNIMPLEMENTED},
	{TE "\"a, chunked\r\n", FRAME_UNIMPLEMENTED},
};

/* The verdict on a message of the first line and the fields. */
static enum frame_result
frame_of(const char *line, const char *fields, enum method request,
	struct frame *f)
{
	const char *why = NULL;
	enum frame_result result;
	struct buf b = {0};
	struct head h;

	buf_printf(&b, "%s\r\n%s\r\n", line, fields);
	if (request == METHOD_OTHER) {
		assert_int_equal(
			head_parse_request(buf_view(&b), &h), HEAD_DONE);
		result = frame_of_request(&h, f, &why);
	} else {
		assert_int_equal(
			head_parse_response(buf_view(&b), &h), HEAD_DONE);
		result = frame_of_response(&h, request, f, &why);
	}
	assert_true((result == FRAME_OK) == !why);
	buf_fini(&b);
	return result;
}

static void
test_messages(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame want = cases[i].frame, f = want;
		enum frame_result r = frame_of(
			"HTTP/1.1 200 OK", cases[i].fields, METHOD_GET, &f);

		if (r != cases[i].result || f.kind != want.kind ||
			f.length != want.length)
			fail_msg("response %zu: %d %d", i, r, f.kind);
		if (want.kind == FRAME_CLOSE)
			want.kind = FRAME_NONE;
		f = want;
		r = frame_of("POST / HTTP/1.1\r\nHost: a", cases[i].fields,
			METHOD_OTHER, &f);
		if (r != cases[i].result || f.kind != want.kind ||
			f.length != want.length)
			fail_msg("request %zu: %d %d", i, r, f.kind);
	}
}

static void
test_http_1_0(void **state)
{
	struct frame f = {.kind = FRAME_CLOSE, .length = 7};

	assert_int_equal(
		frame_of("POST / HTTP/1.0", TE "chunked\r\n", METHOD_OTHER, &f),
		FRAME_BAD);
	assert_int_equal(
		frame_of("HTTP/1.0 200 OK", TE "chunked\r\n", METHOD_GET, &f),
		FRAME_BAD);
	assert_int_equal(f.kind, FRAME_CLOSE); /* untouched */
	assert_int_equal(f.length, 7);
	assert_int_equal(
		frame_of("POST / HTTP/1.0", CL "3\r\n", METHOD_OTHER, &f),
		FRAME_OK);
	assert_int_equal(f.length, 3);
}

static void
test_no_body(void **state)
{
	static const struct {
		const char *line;
		enum method request;
		enum frame_kind kind;
	} lines[] = {
		{"HTTP/1.1 200 OK", METHOD_HEAD, FRAME_NONE},
		{"HTTP/1.1 100 Continue", METHOD_GET, FRAME_NONE},
		{"HTTP/1.1 204 No Content", METHOD_GET, FRAME_NONE},
		{"HTTP/1.1 304 Not Modified", METHOD_GET, FRAME_NONE},
		{"HTTP/1.1 200 OK", METHOD_CONNECT, FRAME_NONE},
		{"HTTP/1.1 403 Forbidden", METHOD_CONNECT, FRAME_LENGTH},
		{"HTTP/1.1 200 OK", METHOD_GET, FRAME_LENGTH},
	};
	struct frame f;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(frame_of(lines[i].line, CL "9\r\n",
					 lines[i].request, &f),
			FRAME_OK);
		assert_int_equal(f.kind, lines[i].kind);
		assert_int_equal(f.length, f.kind == FRAME_LENGTH ? 9 : 0);
	}
	/* Even so, nothing is taken that would be refused elsewhere. */
	assert_int_equal(
		frame_of("HTTP/1.1 204 No", CL "x\r\n", METHOD_GET, &f),
		FRAME_BAD);
	assert_int_equal(
		frame_of("HTTP/1.1 200 OK", TE "gzip\r\n", METHOD_HEAD, &f),
		FRAME_OK);
}

static void
test_connect(void **state)
{
	static const struct {
		const char *fields;
		enum frame_result result;
	} requests[] = {
		{"", FRAME_OK},
		{CL "0\r\n", FRAME_OK},
		{CL "1\r\n", FRAME_BAD},
		{TE "chunked\r\n", FRAME_BAD},
		{TE "gzip\r\n", FRAME_UNIMPLEMENTED},
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct frame f = {.kind = FRAME_CLOSE};

		assert_int_equal(frame_of("CONNECT a:1 HTTP/1.1\r\nHost: a",
					 requests[i].fields, METHOD_OTHER, &f),
			requests[i].result);
		assert_int_equal(f.kind,
			requests[i].result == FRAME_OK ? FRAME_NONE
						       : FRAME_CLOSE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_http_1_0),
		cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
