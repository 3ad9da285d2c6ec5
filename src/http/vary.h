#pragma once
/*
 * Selection among the responses that lie under one key (RFC 9111, 4.1). What a
 * response's Vary names of the request that it answers is written down as a
 * selector: a line "name:value\n" per field, sorted by name, in lower case, or
 * "name\n" for a field that the request lacked. Two requests that select alike
 * give the same bytes. Values are normalised:
 *
 *	Accept-Encoding			the set of codings that are acceptable
 *	Accept, -Charset, -Language	in lower case, without blanks
 *	others				lines joined, no blanks around commas
 *
 * So are fields that an origin gets from us: Host, X-Forwarded-Host and
 * X-Forwarded-Proto are those of the key, whatever the request has.
 * Accept-Encoding is left out when the head says `uncoded`.
 */
#include "base/buf.h"
#include "http/head.h"

enum {
	VARY_MAX_NAMES = 32,
	VARY_MAX_BYTES = 32 * 1024, /* of a selector */
};

/* Appends the selector; nothing for a response without Vary. False, with
 * nothing appended, when the response selects nothing but itself: "*",
 * Forwarded or X-Forwarded-For, what is no field name, more than VARY_MAX_NAMES
 * different ones or VARY_MAX_BYTES.
 */
bool vary_make(const struct head *request, const struct head *response,
	struct buf *out);

/* Does the selector of a stored response select it for this request? The empty
 * one always does. */
bool vary_matches(struct str selector, const struct head *request);

/* Appends the selector that another request would have, were the same fields
 * named as for the one that the selector is of. */
void
vary_again(struct str selector, const struct head *request, struct buf *out);
