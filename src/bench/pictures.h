#pragma once
/*
 * A set of files to distil: photographs, drawings, a screenshot, animations and
 * text, in the formats in which they are found. Nobody took them; they are
 * made, and come out the same each time.
 */
#include <stddef.h>

/* Writes all of them into dir, which is made if need be. 0 or negative errno.
 * shrink: photographs have 1800 x 1200 pixels, divided by it. */
int pictures_make(const char *dir, unsigned shrink);
