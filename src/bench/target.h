#pragma once
/*
 * Request targets as logs have them, and as they can be sent in an HTTP/1.1
 * request line in origin form (RFC 9112 section 3.2.1): bytes that RFC 3986
 * allows in no path or query, and percent signs that start no escape, are
 * percent-encoded.
 */
#include "base/buf.h"

#include <stdbool.h>

enum { TARGET_MAX = 1024 }; /* bytes, before encoding */

/*
 * Of one server: an absolute form loses its scheme and host. False, with
 * nothing appended, if there is no such form: it has no path, is too long,
 * climbs above the root, or holds an encoded zero byte.
 */
bool target_sendable(struct str logged, struct buf *out);

/*
 * Of one of many servers: "/SERVER/PATH", so that what has the same path at two
 * servers stays two objects, and one server can stand for all of them. The
 * server is that of an absolute form, if the target is one. False as above, and
 * for a name that is none of a host.
 */
bool target_of_server(struct str server, struct str logged, struct buf *out);
