#pragma once
/*
 * How the body after a head is delimited (RFC 9112, 6.3). Everything that two
 * parties could read in two ways is refused, not repaired: request smuggling
 * lives there. A proxy does not pass on what it read here, it writes its own
 * Content-Length or Transfer-Encoding from struct frame.
 *
 * Refused: Content-Length with Transfer-Encoding; a Content-Length that is not
 * digits or over INT64_MAX, or several that differ; chunked twice or not last;
 * an empty element in Transfer-Encoding, or the field in HTTP/1.0; CONNECT with
 * content.
 */
#include "http/head.h"

enum frame_kind {
	FRAME_NONE,    /* no body */
	FRAME_LENGTH,  /* exactly length bytes */
	FRAME_CHUNKED, /* http/chunk.h */
	FRAME_CLOSE,   /* until the connection closes; responses only */
};

struct frame {
	enum frame_kind kind;
	uint64_t length; /* bytes; 0 unless FRAME_LENGTH */
};

enum frame_result {
	FRAME_OK,
	FRAME_BAD,	     /* 400 for a request, 502 for a response */
	FRAME_UNIMPLEMENTED, /* 501: a transfer coding other than chunked */
};

/* Unless FRAME_OK, *out is untouched and *why is a static text for people. */
enum frame_result
frame_of_request(const struct head *h, struct frame *out, const char **why);
/* request is the method that this answers. Responses to HEAD, 1xx, 204, 304
 * and a 2xx to CONNECT have no body, even if their fields say one of any
 * length or coding; but fields that would be refused elsewhere are here. */
enum frame_result frame_of_response(const struct head *h, enum method request,
	struct frame *out, const char **why);
