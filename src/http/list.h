#pragma once
/* Comma lists, as the values of many fields are (RFC 9110, 5.6.1). */
#include "base/str.h"

/* The next element, without the blanks around it; *rest becomes what follows.
 * Commas in quoted strings do not separate and empty elements are skipped. A
 * string left open runs to the end. False when nothing is left. */
bool list_next(struct str *rest, struct str *element);

/* Is no quoted string left open at the end of s, so that another element may be
 * put behind it? */
bool list_is_whole(struct str s);
