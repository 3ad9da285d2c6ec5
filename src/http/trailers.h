#pragma once
/*
 * Trailer fields (RFC 9110, 6.5): which of them a proxy may pass on behind a
 * body. Whoever reads a message's trailers after its head has been acted upon
 * must not find anything there that would have changed that.
 */
#include "base/buf.h"
#include "http/head.h"

/*
 * Appends those of the fields in lines ("Name: value\r\n"..., from anywhere)
 * that may be passed on. Left out is what frames, routes, guards, conditions
 * or describes the message or says how it may be stored: all names that we know
 * (field.h), and more. So is what is malformed.
 */
void trailers_put(struct str lines, struct buf *out);

/* May trailers behind this head be passed on at all? Not if Connection names
 * fields that could be among them. */
bool trailers_may_pass(const struct head *h);

/* Does the client of this request want them (RFC 9110, 10.1.4)? */
bool trailers_are_wanted(const struct head *request);
