#pragma once
/*
 * Rules into an image: all of them, into the half that is not in use, and then
 * over to it in one step. Packets see the old rules or the new ones.
 */
#include "l4/image.h"
#include "l4/rules.h"

/* Gives fronts their places, in r. 0; or -ENOSPC, and then the image is as it
 * was and r is not to be used. The half that was in use until now may only be
 * written to, by the next call, when no packet uses it any more. */
int compile(struct rules *r, struct l4_image *i);
/* Brings what schedulers see up to date with the counts, where two CPUs that
 * changed them at once may have left it behind. */
void compile_refresh(struct l4_image *i);

/* The rules as the image has them, put there by compile(), with all numbers;
 * NULL: it has none, or of another version. */
struct rules *compile_read(const struct l4_image *i);
