#pragma once
/*
 * A set of files to distil: photographs, drawings, a screenshot, animations and
 * text, in the formats in which they are found. Nobody took them; they are
 * made, and come out the same each time.
 */
#include <stddef.h>

/* Writes all of them into dir, which is made if need be. 0 or negative errno.
 * size: of the photographs, as 1 for 1800 x 1200, 2 for half of that... */
int pictures_make(const char *dir, unsigned shrink);
