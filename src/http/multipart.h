#pragma once
/*
 * multipart/byteranges (RFC 9110, 14.6): several parts of a content in one
 * body. Between the heads that this writes come the bytes of the parts.
 */
#include "http/range.h"

enum { MULTIPART_BOUNDARY_MAX = 70 }; /* RFC 2046, 5.1.1 */

struct multipart {
	struct str boundary;	 /* of token bytes; in none of the parts */
	struct str content_type; /* of the whole content; may be empty */
	uint64_t length;	 /* of the whole content */
};

/* Appends the value of Content-Type. */
void multipart_put_type(const struct multipart *m, struct buf *out);
/* Appends what comes before the bytes of a part. */
void multipart_put_part(
	const struct multipart *m, struct range part, struct buf *out);
/* Appends what comes behind the bytes of the last part. */
void multipart_put_end(const struct multipart *m, struct buf *out);

/* The length of the whole body. It cannot overflow: parts do not overlap, and
 * a length leaves half of the numbers free. */
uint64_t
multipart_length(const struct multipart *m, const struct range_parts *parts);
