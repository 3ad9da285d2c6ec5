#pragma once
/* HTTP dates (RFC 9110, 5.6.7), as seconds since 1970 in UTC. */
#include "http/head.h"

enum {
	DATE_SIZE = 30, /* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL */
};

/* IMF-fixdate, and the obsolete RFC 850 and asctime forms; INT64_MIN when s is
 * none of them or no such day exists. The name of the day is not compared with
 * the date. A two-digit year below 70 is in this century. */
int64_t date_parse(struct str s);
/* That in the first field of that id; INT64_MIN when there is none. */
int64_t date_in(const struct head *h, enum field_id id);

/* Writes an IMF-fixdate and a NUL; its length, 29. Times outside of the years
 * 0 to 9999 are moved to the nearer end. */
size_t date_format(char out[DATE_SIZE], int64_t t);
