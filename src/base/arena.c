#include "base/arena.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/sanitized.h"

#define PIECEWISE SANITIZED

enum { BLOCK_BYTES = 4096 };

struct arena_block {
	struct arena_block *next;
	_Alignas(max_align_t) char data[];
};

static void
free_after(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
}

static void
add_block(struct arena *a, size_t cap)
{
	struct arena_block *b = xmalloc(sizeof(*b) + cap);

	b->next = a->blocks;
	a->blocks = b;
	a->cap = cap;
	a->used = 0;
	a->nblocks++;
}

void
arena_reset(struct arena *a)
{
	if (PIECEWISE || a->nblocks > 1 || a->cap > BLOCK_BYTES)
		arena_fini(a);
	a->used = 0;
}

void
arena_fini(struct arena *a)
{
	free_after(a->blocks);
	*a = (struct arena){0};
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	size_t need = (n + align - 1) & ~(align - 1);
	size_t block = need > BLOCK_BYTES ? need : BLOCK_BYTES;

	if (PIECEWISE || !a->blocks || a->cap - a->used < need)
		add_block(a, PIECEWISE ? n : block);
	void *p = a->blocks->data + a->used;

	a->used += PIECEWISE ? n : need;
	return p;
}

struct str
arena_copy(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n);

	if (s.n)
		memcpy(p, s.p, s.n);
	return str_of(p, s.n);
}
