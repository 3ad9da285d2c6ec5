#pragma once
/*
 * Numbers that are small most of the time, in as few bytes as they need: seven
 * bits in each, the lowest first, and the eighth says that more follow
 * (LEB128).
 */
#include "base/buf.h"

void varint_put(struct buf *out, uint64_t v);
/* Takes one off the front of *s. False, and nothing touched: there is none that
 * is at most max, and as short as it can be. */
bool varint_take(struct str *s, uint64_t max, uint64_t *out);
