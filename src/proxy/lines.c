#include "proxy/lines.h"

#include <stdlib.h>

#include "base/mem.h"

#include <xxhash.h>

enum { SLOTS = 64, LITERAL = 0x80, LITERAL_MAX = 0x7fff };

struct line {
	uint8_t n; /* 0: none yet */
	char text[LINES_LONG];
};

struct lines {
	struct line v[SLOTS];
};

struct lines *
lines_new(void)
{
	return NEW(struct lines);
}

void
lines_free(struct lines *l)
{
	free(l);
}

static struct line *
slot_of(struct lines *l, struct str s)
{
	return &l->v[XXH3_64bits(s.p, s.n) % SLOTS];
}

static bool
has(const struct line *line, struct str s)
{
	return str_eq(str_of(line->text, line->n), s);
}

static void
keep(struct lines *l, struct str s)
{
	struct line *line;

	if (s.n > LINES_LONG)
		return;
	line = slot_of(l, s);
	line->n = (uint8_t)s.n;
	memcpy(line->text, s.p, s.n);
}

/* The first line, or as much of it as can be said at once. */
static struct str
first_of(struct str text)
{
	const char *end = memchr(text.p, '\n', text.n);
	size_t n = end ? (size_t)(end + 1 - text.p) : text.n;

	return str_of(text.p, n < LITERAL_MAX ? n : LITERAL_MAX);
}

static void
put_literal(struct str s, struct buf *out)
{
	char length[] = {(char)(LITERAL | s.n >> 8), (char)s.n};

	buf_append(out, length, sizeof(length));
	buf_str(out, s);
}

void
lines_put(struct lines *l, struct str text, struct buf *out)
{
	while (text.n) {
		struct str s = first_of(text);
		struct line *line = s.n <= LINES_LONG ? slot_of(l, s) : NULL;

		text = str_of(text.p + s.n, text.n - s.n);
		if (line && has(line, s)) {
			char slot = (char)(line - l->v);

			buf_append(out, &slot, 1);
			continue;
		}
		put_literal(s, out);
		keep(l, s);
	}
}

/* Takes what one line is off the front of *in; p == NULL: it makes no sense. */
static struct str
take_one(struct lines *l, struct str *in)
{
	uint8_t first = (uint8_t)in->p[0];
	struct str s = {0};
	size_t n;

	if (first < SLOTS) {
		if (l->v[first].n)
			s = str_of(l->v[first].text, l->v[first].n);
		*in = str_of(in->p + 1, in->n - 1);
		return s;
	}
	if (!(first & LITERAL) || in->n < 2)
		return s;
	n = (size_t)(first & ~LITERAL) << 8 | (uint8_t)in->p[1];
	if (!n || in->n - 2 < n)
		return s;
	s = str_of(in->p + 2, n);
	*in = str_of(s.p + n, in->n - 2 - n);
	keep(l, s);
	return s;
}

bool
lines_take(struct lines *l, struct str packed, size_t most, struct buf *out)
{
	size_t before = buf_len(out);

	while (packed.n) {
		struct str s = take_one(l, &packed);

		if (!s.p || buf_len(out) - before + s.n > most)
			return false;
		buf_str(out, s);
	}
	return true;
}
