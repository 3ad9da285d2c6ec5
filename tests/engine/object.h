#pragma once
/*
 * What the benchmark's servers serve: the object at a path is the path, dots,
 * and OBJECT_END, so that a client can tell it from any other object, and the
 * whole of it from a part, by its two ends. procs.py makes the files alike.
 */
#include "base/str.h"

#define OBJECT_END "end\n"
enum { OBJECT_END_BYTES = sizeof(OBJECT_END) - 1 };

/* Fills n bytes, which have room for both ends. */
static inline void
object_fill(char *body, size_t n, struct str path)
{
	memset(body, '.', n);
	memcpy(body, path.p, path.n);
	memcpy(body + n - OBJECT_END_BYTES, OBJECT_END, OBJECT_END_BYTES);
}
