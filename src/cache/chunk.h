#pragma once
/*
 * struct chunk: a run of bytes in a body, and the runs behind it. Each counts
 * the next: whoever counts one holds all that follow. Any thread.
 */
#include "cache/pages.h"

struct chunk {
	_Atomic unsigned refs;
	bool in_pages; /* where data is: there, or behind the struct */
	uint32_t cap;
	_Atomic uint32_t len;	    /* what is within it does not change */
	struct chunk *_Atomic next; /* counted; set once, when len is final */
	char *data;
};

enum { CHUNK_MAX = PAGES_ALLOC_MAX };

/* Empty, with one reference, cap at most CHUNK_MAX. */
struct chunk *chunk_new(struct budget *budget, uint32_t cap);
/* What will be kept and is large goes where sendfile() can get at it, if there
 * is room. */
struct chunk *
chunk_new_kept(struct budget *budget, uint32_t cap, enum pages_kind kind);
/* The n bytes from c on, in memory of their own and no more; NULL if n is 0. */
struct chunk *chunk_copy(struct budget *budget, const struct chunk *c,
	uint64_t n, enum pages_kind kind);
struct chunk *chunk_ref(struct chunk *c);
void chunk_unref(struct budget *budget, struct chunk *c); /* NULL is fine */
uint64_t chunk_held_bytes(const struct chunk *c);	  /* from c on */
