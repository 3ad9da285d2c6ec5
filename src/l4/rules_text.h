#pragma once
/*
 * Rules as text that a later process reads from the image, with everything
 * that is not in the administrator's words: numbers, places, states.
 */
#include "l4/rules.h"

/* Into L4_NOTES_MAX notes. -ENOSPC when they don't fit; nothing is written
 * then. */
int rules_text_put(const struct rules *r, struct l4_note *notes);
/* NULL: there are none, or not such. */
struct rules *rules_text_get(const struct l4_note *notes);
