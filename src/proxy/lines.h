#pragma once
/*
 * struct lines: lines of heads that were said on a channel before, so that they
 * need not be said again: most of a head is what other heads have, too. Each
 * end of the channel has one, and both do the same with each line, in the order
 * in which they are said. A head becomes a run of
 *
 *	0 to 63		the line in that slot
 *	length (2), the top bit set, and so many bytes
 *			a line, or part of one, which is in the slot of its
 *			hash from now on, if it is not longer than LINES_LONG
 *
 * Only whole lines are compared: so who sees how long messages are, but not
 * what they say, and can have some of his own sent, does not learn a secret bit
 * by bit (as with CRIME, where what is alike in part is shorter).
 */
#include "base/buf.h"

enum { LINES_LONG = 255 };

struct lines;

struct lines *lines_new(void);
void lines_free(struct lines *l); /* NULL is fine */

/* Appends text, made short. */
void lines_put(struct lines *l, struct str text, struct buf *out);
/* Appends what it was, most bytes at most. False: it makes no sense; the two
 * ends don't agree from then on. */
bool
lines_take(struct lines *l, struct str packed, size_t most, struct buf *out);
