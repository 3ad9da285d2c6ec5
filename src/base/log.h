#pragma once
/*
 * One event per line on standard error, logfmt: "level=info event=... k=v".
 * Lower floors return errors; the one who handles an error logs it, once.
 * Callers write the event and its pairs: log_info("peer_up peer=%s", name).
 * Values that outsiders choose are quoted with log_quote().
 */
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Set once at start, before other threads. name appears in every line. */
void log_setup(enum log_level most, const char *name);

void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

struct log_quoted {
	char z[160];
};

/* s between quotes, with quotes, controls and non-ASCII escaped, cut when long:
 * log_info("bad_request target=%s", log_quote(s).z) */
struct log_quoted log_quote(struct str s);
