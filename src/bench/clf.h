#pragma once
/*
 * The Common Log Format of web servers, a line at a time:
 *
 *	host ident user [date] "METHOD target VERSION" status bytes ...
 *
 * What follows the bytes (the combined format's referrer and agent) is
 * ignored. Logs are full of odd lines: the request may hold quotes or spaces,
 * or lack its version. What can't be read is an outcome, never an error.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct clf_line {
	struct str method; /* these point into the line */
	struct str target;
	unsigned status; /* 100..999 */
	uint64_t bytes;	 /* 0 for "-" */
};

/* One line without its newline. False, and *out untouched, if unreadable. */
bool clf_parse(struct str line, struct clf_line *out);

/*
 * Appends the logged target in origin form as it can be sent in an HTTP/1.1
 * request line (RFC 9112 section 3.2.1): an absolute form loses its scheme and
 * host; bytes that RFC 3986 allows in no path or query, and percent signs that
 * start no escape, are percent-encoded. False, with nothing appended, if there
 * is no such form: it has no path, is over CLF_TARGET_MAX bytes, climbs
 * above the root, or holds an encoded zero byte.
 */
bool clf_sendable(struct str target, struct buf *out);

enum { CLF_TARGET_MAX = 1024 };
