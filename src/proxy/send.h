#pragma once
/*
 * Sending to a client: an answer's head and what is there of its body, in one
 * call, or by sendfile() where the body is in memory that allows it and large
 * enough for it to pay (16 KB: research on one core, 2026).
 */
#include "base/str.h"
#include "cache/pages.h"

#include <sys/types.h>

enum { SEND_SLICES = 16 };

/* How many bytes of out, then of the n slices (at most SEND_SLICES), went; or
 * negative errno. more: others follow at once. */
ssize_t send_slices(int fd, const struct pages *pages, struct str out,
	const struct str *slices, size_t n, bool more);
