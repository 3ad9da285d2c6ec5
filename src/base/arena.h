#pragma once
/*
 * struct arena: memory for one exchange. Pieces are handed out and all given
 * back at once by arena_reset(). In sanitizer builds each piece is a malloc of
 * its own, so that an overrun or a use after reset is caught.
 */
#include "base/str.h"

struct arena_block;
struct arena {
	struct arena_block *blocks; /* owned, newest first */
	size_t used, cap;	    /* of the newest */
	unsigned nblocks;
};

/* Keeps a block for next time, if there is no other. It is not looked at: it
 * may have left the processor's caches. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);
/* Aligned for any type; not cleared. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull));
struct str arena_copy(struct arena *a, struct str s);
