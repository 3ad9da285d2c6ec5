#pragma once
/* Compression of what is not compressed yet, for whoever stores the result. */
#include "base/buf.h"
#include "distill/order.h"

/* Appends in, so coded. False when the library can't. */
bool text_compress(struct str in, enum coding coding, struct buf *out);
/* As Content-Encoding has it. */
const char *coding_name(enum coding c);
