#pragma once
/*
 * struct budget: the bytes of all that is in one store, or on its way.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pages;

struct budget {
	_Atomic uint64_t used_bytes;
	_Atomic uint64_t doomed_bytes; /* of these, evicted already and about to
					  be freed */
	uint64_t limit_bytes;
	struct pages *pages; /* borrowed; NULL: all memory is the heap's */
};

static inline void
budget_add(struct budget *b, size_t n)
{
	atomic_fetch_add_explicit(&b->used_bytes, n, memory_order_relaxed);
}

static inline void
budget_sub(struct budget *b, size_t n)
{
	atomic_fetch_sub_explicit(&b->used_bytes, n, memory_order_relaxed);
}

static inline bool
budget_exceeded(const struct budget *b)
{
	return atomic_load_explicit(&b->used_bytes, memory_order_relaxed) >
		b->limit_bytes +
		atomic_load_explicit(&b->doomed_bytes, memory_order_relaxed);
}
