#include "base/varint.h"

enum { BITS = 7, MORE = 1 << BITS };

void
varint_put(struct buf *out, uint64_t v)
{
	char bytes[10];
	size_t n = 0;

	for (; v >= MORE; v >>= BITS)
		bytes[n++] = (char)(v | MORE);
	bytes[n++] = (char)v;
	buf_append(out, bytes, n);
}

bool
varint_take(struct str *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s->n && i < 9; i++) {
		uint8_t byte = (uint8_t)s->p[i];

		v |= (uint64_t)(byte & (MORE - 1)) << (BITS * i);
		if (byte & MORE)
			continue;
		if (v > max || (i && !byte))
			return false;
		*s = str_of(s->p + i + 1, s->n - i - 1);
		*out = v;
		return true;
	}
	return false;
}
