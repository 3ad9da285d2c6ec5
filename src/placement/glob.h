#pragma once
/* Patterns: * is any text, also none; ? is any one character. */
#include "base/str.h"

/* The whole of s. fold: as if it were all lower case, ASCII only. */
bool glob_matches(struct str pattern, struct str s, bool fold);
