#pragma once
/*
 * Conditional requests (RFC 9110, 13) against the validators of the response
 * that an unconditional one would get. That response is a 200: for others all
 * preconditions are ignored (13.2.1), and nobody asks here.
 */
#include "http/validators.h"

enum precondition {
	PRECONDITION_PASS,
	PRECONDITION_NOT_MODIFIED, /* 304 */
	PRECONDITION_FAILED,	   /* 412 */
};

/* Of a GET or HEAD, in the order of RFC 9110, 13.2.2. A response without
 * Last-Modified was changed at its Date, as far as If-Modified-Since is
 * concerned (RFC 9111, 4.3.2). What cannot be read matches nothing; a date
 * that cannot be read is no condition. */
enum precondition
precondition_check(const struct head *request, const struct validators *v);

/* Does Range apply, as If-Range is absent or holds? By strong comparison
 * only: of an entity tag, or of a Last-Modified that is strong. */
bool
precondition_if_range(const struct head *request, const struct validators *v);

/* Has it any of the conditions that precondition_check() looks at? */
bool precondition_in(const struct head *request);
