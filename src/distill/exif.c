/* See codec.h. TIFF 6.0: a header, then a directory of entries of 12 bytes. */
#include "distill/codec.h"

enum { ORIENTATION = 0x0112, SHORT = 3 };

struct tiff {
	struct str s;
	bool big;
};

static bool
number(const struct tiff *t, size_t at, size_t bytes, uint32_t *out)
{
	uint32_t v = 0;

	if (at > t->s.n || t->s.n - at < bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		size_t from = t->big ? i : bytes - 1 - i;

		v = v << 8 | (unsigned char)t->s.p[at + from];
	}
	*out = v;
	return true;
}

unsigned
exif_orientation(struct str tiff)
{
	struct tiff t = {tiff, str_starts(tiff, STR("MM"))};
	uint32_t mark, at, n, tag, type, value;

	if (!t.big && !str_starts(tiff, STR("II")))
		return 1;
	if (!number(&t, 2, 2, &mark) || mark != 42 || !number(&t, 4, 4, &at) ||
		!number(&t, at, 2, &n))
		return 1;
	for (uint32_t i = 0; i < n; i++) {
		size_t entry = (size_t)at + 2 + 12 * (size_t)i;

		if (!number(&t, entry, 2, &tag) ||
			!number(&t, entry + 2, 2, &type) ||
			!number(&t, entry + 8, 2, &value))
			return 1;
		if (tag == ORIENTATION)
			return type == SHORT && value >= 1 && value <= 8 ? value
									 : 1;
	}
	return 1;
}
