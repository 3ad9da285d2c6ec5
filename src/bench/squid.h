#pragma once
/*
 * Squid's native access.log (http://wiki.squid-cache.org/Features/LogFormat),
 * a line at a time, fields between spaces:
 *
 *	time elapsed client code/status bytes method URL user hierarchy type
 *
 * The bytes are those of the whole reply, head included; here they are taken
 * for the body's. A status of 000 is one of a client that did not wait.
 */
#include "bench/trace.h"

/* One line without its newline. False, and *out untouched, if unreadable. */
bool squid_parse(struct str line, struct trace_entry *out);
