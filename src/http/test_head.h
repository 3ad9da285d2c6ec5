#pragma once
/* Heads for unit tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "http/head.h"

/* The head of "METHOD / HTTP/1.1" with these fields, each ended by CRLF; its
 * text is in *b. */
static inline void
test_request(
	const char *method, const char *fields, struct buf *b, struct head *h)
{
	buf_consume(b, buf_len(b));
	buf_printf(b, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
	assert_int_equal(head_parse_request(buf_view(b), h), HEAD_DONE);
}

static inline void
test_response(
	unsigned status, const char *fields, struct buf *b, struct head *h)
{
	buf_consume(b, buf_len(b));
	buf_printf(b, "HTTP/1.1 %u x\r\n%s\r\n", status, fields);
	assert_int_equal(head_parse_response(buf_view(b), h), HEAD_DONE);
}
