#pragma once
/*
 * What the success of an unsafe request makes invalid (RFC 9111, 4.4): what is
 * stored under the request's own key, and under those that its response names
 * by Location and Content-Location, if they are of the same origin.
 */
#include "base/buf.h"
#include "http/head.h"

/* Appends the keys (see uri_key()), each with '\n' behind it; `key` is that of
 * the request. Nothing when the method is safe or the response an error. */
void invalidate(enum method m, struct str key, const struct head *response,
	struct buf *out);
