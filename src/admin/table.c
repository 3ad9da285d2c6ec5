/* A table of text: see table.h. */
#include "admin/table.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"

struct cell {
	char *text; /* owned */
	enum table_colour colour;
	bool ruled; /* a line across before this cell's row */
};

struct table {
	const struct table_column *columns; /* borrowed: caller */
	size_t ncolumns;
	struct cell *cells; /* owned, row by row */
	size_t ncells, cap;
	bool ruled; /* for the next cell */
};

static const char *const escapes[] = {
	[TABLE_PLAIN] = "",
	[TABLE_GOOD] = "\x1b[32m",
	[TABLE_BAD] = "\x1b[1;31m",
	[TABLE_FAINT] = "\x1b[2m",
};

struct table *
table_new(const struct table_column *columns, size_t ncolumns)
{
	struct table *t = NEW(struct table);

	CHECK(ncolumns > 0);
	t->columns = columns;
	t->ncolumns = ncolumns;
	return t;
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void
table_cell(struct table *t, enum table_colour colour, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (t->ncells == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cells = xrealloc(t->cells, t->cap * sizeof(*t->cells));
	}
	t->cells[t->ncells++] = (struct cell){
		xstrndup(buf_len(&b) ? buf_head(&b) : "", buf_len(&b)),
		colour,
		t->ruled,
	};
	t->ruled = false;
	buf_fini(&b);
}

void
table_skip(struct table *t)
{
	while (t->ncells % t->ncolumns)
		table_cell(t, TABLE_PLAIN, "%s", "");
}

void
table_rule(struct table *t)
{
	CHECK(t->ncells % t->ncolumns == 0);
	t->ruled = true;
}

static size_t
text_width(struct str s)
{
	size_t width = 0;

	for (size_t i = 0; i < s.n; i++)
		width += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return width;
}

/* One of the two lines of a column's head; the first is often empty. */
static struct str
head_line(const struct table_column *c, int line)
{
	struct str second = str_z(c->head), first;

	(void)str_split(&second, '\n', &first);
	if (!second.p)
		return line == 1 ? first : STR("");
	return line == 1 ? second : first;
}

static size_t *
column_widths(const struct table *t)
{
	size_t *widths = xcalloc(t->ncolumns, sizeof(*widths));

	for (size_t i = 0; i < t->ncolumns; i++)
		for (int line = 0; line < 2; line++) {
			struct str s = head_line(&t->columns[i], line);
			size_t width = text_width(s);

			if (width > widths[i])
				widths[i] = width;
		}
	for (size_t i = 0; i < t->ncells; i++) {
		size_t width = text_width(str_z(t->cells[i].text));

		if (width > widths[i % t->ncolumns])
			widths[i % t->ncolumns] = width;
	}
	return widths;
}

static void
pad(struct buf *out, size_t n)
{
	buf_printf(out, "%*s", (int)n, "");
}

/* Blanks are due from the cells before; none are left at the line's end. */
static void
write_text(struct buf *out, struct str text, const char *escape, bool right,
	size_t width, size_t *due)
{
	size_t blanks = width - text_width(text);

	if (text.n == 0) {
		*due += width + 2;
		return;
	}
	pad(out, *due + (right ? blanks : 0));
	buf_z(out, escape);
	buf_str(out, text);
	buf_z(out, *escape ? "\x1b[0m" : "");
	*due = 2 + (right ? 0 : blanks);
}

static bool
has_two_line_heads(const struct table *t)
{
	for (size_t i = 0; i < t->ncolumns; i++)
		if (strchr(t->columns[i].head, '\n'))
			return true;
	return false;
}

static void
write_heads(const struct table *t, const size_t *widths, bool colour,
	struct buf *out)
{
	for (int line = has_two_line_heads(t) ? 0 : 1; line < 2; line++) {
		size_t due = 0;

		for (size_t i = 0; i < t->ncolumns; i++)
			write_text(out, head_line(&t->columns[i], line),
				colour ? escapes[TABLE_FAINT] : "",
				t->columns[i].right, widths[i], &due);
		buf_z(out, "\n");
	}
}

static void
write_rule(const struct table *t, const size_t *widths, struct buf *out)
{
	size_t width = 2 * (t->ncolumns - 1);

	for (size_t i = 0; i < t->ncolumns; i++)
		width += widths[i];
	while (width-- > 0)
		buf_z(out, "-");
	buf_z(out, "\n");
}

static void
write_row(const struct table *t, const struct cell *row, const size_t *widths,
	bool colour, struct buf *out)
{
	size_t due = 0;

	if (row[0].ruled)
		write_rule(t, widths, out);
	for (size_t i = 0; i < t->ncolumns; i++)
		write_text(out, str_z(row[i].text),
			colour ? escapes[row[i].colour] : "",
			t->columns[i].right, widths[i], &due);
	buf_z(out, "\n");
}

void
table_write(const struct table *t, bool colour, struct buf *out)
{
	own_free size_t *widths = NULL;

	CHECK(t->ncolumns > 0 && t->ncells % t->ncolumns == 0);
	widths = column_widths(t);
	write_heads(t, widths, colour, out);
	for (size_t i = 0; i < t->ncells; i += t->ncolumns)
		write_row(t, &t->cells[i], widths, colour, out);
}
