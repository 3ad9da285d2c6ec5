#pragma once
/* What a proxy tells and is told about the way of a request: Forwarded (RFC
 * 7239) and Max-Forwards (RFC 9110, 7.6.2). */
#include "base/buf.h"
#include "http/head.h"

/* One element of Forwarded. What is empty is left out. */
struct forwarded {
	struct str for_; /* the client's address; IPv6 without brackets */
	struct str by;	 /* ours, likewise, or an obfuscated name: "_n1" */
	struct str host; /* Host, as received */
	struct str proto;
};

/* Appends the element, its values quoted where they must be. Elements of one
 * field are separated by commas, which is the caller's business. */
void forwarded_put(const struct forwarded *f, struct buf *out);

/* How often the request may yet be passed on, by Max-Forwards of an OPTIONS or
 * TRACE; -1 when nobody says so. More than INT_MAX is INT_MAX. */
int forwarded_hops_left(const struct head *request);
