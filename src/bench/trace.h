#pragma once
/*
 * Traces of HTTP requests, in one of several formats, an entry at a time.
 *
 * What can't be read is an outcome, never an error: logs are full of it.
 */
#include "base/buf.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum trace_format {
	TRACE_CLF,     /* web servers: bench/clf.h */
	TRACE_SQUID,   /* Squid's access.log: bench/squid.h */
	TRACE_HOME_IP, /* Berkeley, 1996, binary: bench/home_ip.h */
	TRACE_FORMATS
};

struct trace_entry {
	struct str method; /* these point into the trace */
	struct str target;
	/* Of traces of many servers: whose it is, unless the target says so. */
	char server[INET_ADDRSTRLEN];
	unsigned status; /* 100..999; 0: not told, but there was something */
	uint64_t bytes;	 /* of the body; 0 for "-" */
};

enum trace_result {
	TRACE_ENTRY,
	TRACE_UNREADABLE, /* *used bytes of it, to be passed over */
	TRACE_MORE,	  /* more input is needed; at the end: that was all */
};

/* A line or a record may not be longer: what is, is unreadable. */
enum { TRACE_ENTRY_MAX = 128 * 1024 };

/* in: what is not yet used; at_end: there is no more behind it. *used and *out
 * are untouched if more is needed, *out also if it is unreadable. */
enum trace_result trace_next(enum trace_format f, struct str in, bool at_end,
	struct trace_entry *out, size_t *used);

/* The format that the first bytes (some lines or records) look like. */
enum trace_format trace_detect(struct str start);
/* "clf", "squid", "home-ip"; false if there is no such format. */
bool trace_format_named(struct str name, enum trace_format *out);

/* The entry's target as it can be sent: bench/target.h. */
bool
trace_target(enum trace_format f, const struct trace_entry *e, struct buf *out);

/* For the formats: `METHOD target HTTP/1.0` into method and target; the version
 * may be missing, as in HTTP/0.9. */
bool trace_request_line(struct str s, struct trace_entry *out);
