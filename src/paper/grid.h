#pragma once
/*
 * struct grid: a table of text that can be read as it is, is Markdown, and can
 * be HTML. The first row is the head. Filled row by row.
 */
#include "base/buf.h"

struct grid {
	size_t columns;
	size_t texts; /* left-aligned columns, which come first */
	char **cells; /* owned, each too */
	size_t n;
};

/* head: the columns' names with | between them */
void grid_init(struct grid *g, size_t texts, const char *head);
void grid_fini(struct grid *g);
/* The next cell. */
void grid_cell(struct grid *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A number with so many digits after the point; "-" of what is none. */
void grid_number(struct grid *g, double v, int digits);

/* Append it. Rows are complete. */
void grid_markdown(const struct grid *g, struct buf *out);
void grid_html(const struct grid *g, struct buf *out);
/* The text with what HTML reads as its own made harmless. */
void grid_html_text(struct buf *out, const char *z);
