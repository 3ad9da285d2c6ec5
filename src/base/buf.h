#pragma once
/*
 * struct buf: a growable run of bytes with a read position. Bytes are added at
 * the tail and taken from the head; taking everything resets it to the start.
 * All zero is a valid empty buffer.
 */
#include "base/str.h"

#include <stdarg.h>

struct buf {
	char *p;     /* owned */
	size_t head; /* first unread byte */
	size_t tail; /* one past the last byte */
	size_t cap;
};

void buf_fini(struct buf *b); /* all zero again */
/* Room for at least n bytes at the tail: they are not content before
 * buf_commit(). Valid until the buffer is touched again. */
char *buf_reserve(struct buf *b, size_t n);
void buf_z(struct buf *b, const char *z);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void buf_u64(struct buf *b, uint64_t v); /* as decimal digits */
void buf_i64(struct buf *b, int64_t v);
/* n bytes at the tail, written by the caller, become content */
void buf_commit(struct buf *b, size_t n);
/* n bytes at the head have been read */
void buf_consume(struct buf *b, size_t n);
/* Only the first n bytes stay. */
void buf_truncate(struct buf *b, size_t n);
/* Gives memory back when the buffer is empty. */
void buf_shrink(struct buf *b);

static inline size_t
buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

static inline char *
buf_head(const struct buf *b)
{
	return b->p ? b->p + b->head : NULL;
}

static inline size_t
buf_room(const struct buf *b)
{
	return b->cap - b->tail;
}

/* Inline, since most are short and of a length that the compiler knows. */
static inline void
buf_append(struct buf *b, const void *p, size_t n)
{
	char *at;

	if (n == 0)
		return;
	at = buf_room(b) >= n ? b->p + b->tail : buf_reserve(b, n);
	memcpy(at, p, n);
	b->tail += n;
}

static inline void
buf_str(struct buf *b, struct str s)
{
	buf_append(b, s.p, s.n);
}

static inline struct str
buf_view(const struct buf *b)
{
	return str_of(buf_head(b), buf_len(b));
}
