#pragma once
/*
 * Made content: bodies that need no storing to be checked. Byte i of an object
 * is a pure function of the object's seed and i, so whoever knows the URL can
 * make the body, or verify any part of it as it streams past.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* the seed of the object at this request target: its XXH64 */
uint64_t content_seed(struct str target);
/* n bytes from the object's byte `offset` on */
void content_fill(uint64_t seed, uint64_t offset, void *out, size_t n);
bool content_equal(uint64_t seed, uint64_t offset, const void *bytes, size_t n);
/* Creates or replaces path with size bytes; negative errno. */
int content_write_file(const char *path, uint64_t seed, uint64_t size);
