#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

char *
buf_reserve(struct buf *b, size_t n)
{
	size_t len = buf_len(b);

	if (b->cap - b->tail >= n && b->p)
		return b->p + b->tail;
	if (b->head && b->cap - len >= n) {
		memmove(b->p, b->p + b->head, len);
	} else {
		size_t cap = b->cap ? b->cap : 256;

		while (cap - len < n)
			cap *= 2;
		char *p = xmalloc(cap);

		if (len)
			memcpy(p, b->p + b->head, len);
		free(b->p);
		b->p = p;
		b->cap = cap;
	}
	b->head = 0;
	b->tail = len;
	return b->p + b->tail;
}

void
buf_z(struct buf *b, const char *z)
{
	buf_append(b, z, strlen(z));
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room = 64; /* enough for most; if not, n tells */
	int n;

	va_copy(again, ap);
	n = vsnprintf(buf_reserve(b, room), room, fmt, ap);
	CHECK(n >= 0);
	if ((size_t)n >= room)
		vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt,
			again);
	va_end(again);
	b->tail += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* "00" to "99". */
static const char two_digits[] = "00010203040506070809"
				 "10111213141516171819"
				 "20212223242526272829"
				 "30313233343536373839"
				 "40414243444546474849"
				 "50515253545556575859"
				 "60616263646566676869"
				 "70717273747576777879"
				 "80818283848586878889"
				 "90919293949596979899";

static size_t
digits_of(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	size_t n = digits_of(v);
	char *at = n + (buf_room(b) >= n ? b->p + b->tail : buf_reserve(b, n));

	b->tail += n;
	for (; v >= 10; v /= 100) {
		at -= 2;
		memcpy(at, two_digits + v % 100 * 2, 2);
	}
	if (n & 1)
		at[-1] = (char)('0' + v);
}

void
buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_append(b, "-", 1);
	buf_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void
buf_commit(struct buf *b, size_t n)
{
	CHECK(n <= buf_room(b));
	b->tail += n;
}

void
buf_consume(struct buf *b, size_t n)
{
	CHECK(n <= buf_len(b));
	b->head += n;
	if (b->head == b->tail)
		b->head = b->tail = 0;
}

void
buf_truncate(struct buf *b, size_t n)
{
	CHECK(n <= buf_len(b));
	b->tail = b->head + n;
}

void
buf_shrink(struct buf *b)
{
	if (buf_len(b) == 0)
		buf_fini(b);
}
