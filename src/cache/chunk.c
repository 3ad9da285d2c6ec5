#include "cache/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PAGES_MIN = 16 * 1024 };

/* data: of pages, or NULL. */
static struct chunk *
make(struct budget *budget, uint32_t cap, char *data)
{
	size_t n = sizeof(struct chunk) + (data ? 0 : cap);
	struct chunk *c = xmalloc(n);

	atomic_init(&c->refs, 1);
	c->in_pages = data;
	c->cap = cap;
	atomic_init(&c->len, 0);
	atomic_init(&c->next, NULL);
	c->data = data ? data : (char *)(c + 1);
	budget_add(budget, n);
	return c;
}

struct chunk *
chunk_new(struct budget *budget, uint32_t cap)
{
	return make(budget, cap, NULL);
}

struct chunk *
chunk_new_kept(struct budget *budget, uint32_t cap, enum pages_kind kind)
{
	bool fits = cap >= PAGES_MIN && budget->pages;

	return make(
		budget, cap, fits ? pages_get(budget->pages, cap, kind) : NULL);
}

static void
chunk_free(struct budget *budget, struct chunk *c)
{
	size_t n = sizeof(*c) + (c->in_pages ? 0 : c->cap);

	if (c->in_pages)
		pages_put(budget->pages, c->data, c->cap);
	budget_sub(budget, n);
	free(c);
}

struct chunk *
chunk_ref(struct chunk *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

static void
copy_run(const struct chunk **from, uint32_t *offset, struct chunk *to)
{
	uint32_t len = 0;

	while (len < to->cap) {
		uint32_t n = (*from)->len - *offset;

		n = n < to->cap - len ? n : to->cap - len;
		memcpy(to->data + len, (*from)->data + *offset, n);
		len += n;
		*offset += n;
		if (*offset == (*from)->len) {
			*from = atomic_load(&(*from)->next);
			*offset = 0;
		}
	}
	atomic_init(&to->len, len);
}

struct chunk *
chunk_copy(struct budget *budget, const struct chunk *c, uint64_t n,
	enum pages_kind kind)
{
	struct chunk *first = NULL, *_Atomic *at = NULL;
	uint32_t offset = 0;

	while (n) {
		uint32_t cap = n < CHUNK_MAX ? (uint32_t)n : CHUNK_MAX;
		struct chunk *copy = chunk_new_kept(budget, cap, kind);

		copy_run(&c, &offset, copy);
		if (at)
			atomic_init(at, copy);
		else
			first = copy;
		at = &copy->next;
		n -= cap;
	}
	return first;
}

uint64_t
chunk_held_bytes(const struct chunk *c)
{
	uint64_t n = 0;

	for (; c; c = atomic_load(&c->next))
		n += c->cap;
	return n;
}

/* Not recursive: a chain may be long. */
void
chunk_unref(struct budget *budget, struct chunk *c)
{
	while (c &&
		atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) ==
			1) {
		struct chunk *next = atomic_load(&c->next);

		chunk_free(budget, c);
		c = next;
	}
}
