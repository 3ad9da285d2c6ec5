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
#include "bench/trace.h"

/* One line without its newline. False, and *out untouched, if unreadable. */
bool clf_parse(struct str line, struct trace_entry *out);
