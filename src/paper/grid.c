/* See grid.h. */
#include "paper/grid.h"

#include "base/check.h"
#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
keep(struct grid *g, char *text)
{
	g->cells = xrealloc(g->cells, (g->n + 1) * sizeof(*g->cells));
	g->cells[g->n++] = text;
}

void
grid_init(struct grid *g, size_t texts, const char *head)
{
	struct str rest = str_z(head), word;

	*g = (struct grid){.texts = texts};
	while (str_split(&rest, '|', &word)) {
		keep(g, xstrndup(word.p, word.n));
		g->columns++;
	}
}

void
grid_fini(struct grid *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct grid){0};
}

void
grid_cell(struct grid *g, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	CHECK(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	keep(g, text);
}

void
grid_number(struct grid *g, double v, int digits)
{
	if (isfinite(v))
		grid_cell(g, "%.*f", digits, v);
	else
		grid_cell(g, "-");
}

/* --- Markdown --- */

static size_t
width(const char *z)
{
	size_t n = 0;

	for (; *z; z++)
		n += (*z & 0xc0) != 0x80;
	return n;
}

static size_t
column_width(const struct grid *g, size_t column)
{
	size_t most = 3;

	for (size_t i = column; i < g->n; i += g->columns)
		if (width(g->cells[i]) > most)
			most = width(g->cells[i]);
	return most;
}

static void
repeat(struct buf *out, const char *z, size_t n)
{
	while (n-- > 0)
		buf_z(out, z);
}

static void
markdown_rule(const struct grid *g, struct buf *out)
{
	for (size_t c = 0; c < g->columns; c++) {
		buf_z(out, "|");
		repeat(out, "-", column_width(g, c) + 1);
		buf_z(out, c < g->texts ? "-" : ":");
	}
	buf_z(out, "|\n");
}

void
grid_markdown(const struct grid *g, struct buf *out)
{
	CHECK(g->n % g->columns == 0);
	for (size_t i = 0; i < g->n; i++) {
		size_t c = i % g->columns;
		size_t blanks = column_width(g, c) - width(g->cells[i]);

		buf_z(out, "| ");
		repeat(out, " ", c < g->texts ? 0 : blanks);
		buf_z(out, g->cells[i]);
		repeat(out, " ", c < g->texts ? blanks + 1 : 1);
		if (c + 1 == g->columns)
			buf_z(out, "|\n");
		if (i + 1 == g->columns)
			markdown_rule(g, out);
	}
}

/* --- HTML --- */

void
grid_html_text(struct buf *out, const char *z)
{
	for (; *z; z++)
		switch (*z) {
		case '<': buf_z(out, "&lt;"); break;
		case '>': buf_z(out, "&gt;"); break;
		case '&': buf_z(out, "&amp;"); break;
		case '"': buf_z(out, "&quot;"); break;
		default: buf_append(out, z, 1);
		}
}

void
grid_html(const struct grid *g, struct buf *out)
{
	CHECK(g->n % g->columns == 0);
	buf_z(out, "<div class=\"scroll\"><table>\n");
	for (size_t i = 0; i < g->n; i++) {
		size_t c = i % g->columns;
		const char *cell = i < g->columns ? "th" : "td";

		if (c == 0)
			buf_z(out, "<tr>");
		buf_printf(out, "<%s%s>", cell,
			c < g->texts ? "" : " class=\"n\"");
		grid_html_text(out, g->cells[i]);
		buf_printf(out, "</%s>", cell);
		if (c + 1 == g->columns)
			buf_z(out, "</tr>\n");
	}
	buf_z(out, "</table></div>\n");
}
