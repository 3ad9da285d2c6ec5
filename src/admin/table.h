#pragma once
/*
 * A table of text: columns as wide as their widest cell, two blanks between
 * them, and no blank at the end of a line. Cells are filled row by row, from
 * left to right. Widths count UTF-8 characters as one.
 */
#include "base/buf.h"

enum table_colour { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_FAINT };

struct table_column {
	const char *head; /* two lines at most: "to\nclients" */
	bool right;	  /* figures are */
};

struct table;

/* columns is borrowed for the table's life. */
struct table *table_new(const struct table_column *columns, size_t ncolumns);
void table_free(struct table *t); /* NULL is fine */
/* The next cell; the first of a row begins it. */
void table_cell(struct table *t, enum table_colour colour, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Empty cells up to the row's end. */
void table_skip(struct table *t);
/* A line across the table before the next row, which is to begin now. */
void table_rule(struct table *t);
/* Appends the table; with colour, in those of a terminal. Rows are complete. */
void table_write(const struct table *t, bool colour, struct buf *out);
