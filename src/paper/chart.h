#pragma once
/*
 * struct chart: lines over the numbers of nodes, as an SVG in a page: 1 to 16,
 * each twice the one before and as far from it. Colours are the page's, c0 to
 * c7; its style has them for light and dark.
 */
#include "base/buf.h"
#include "paper/cell.h"

enum { CHART_POINTS = CELL_SIZES, CHART_COLOURS = 8 };

struct chart_line {
	char *name; /* owned by the chart */
	unsigned colour;
	bool dashed;
	double y[CHART_POINTS]; /* >= 0; NaN: a gap */
};

struct chart {
	const char *title, *unit;
	struct chart_line *lines; /* owned */
	size_t n;
};

/* y: CHART_POINTS of them. A line without any point is left out. */
void chart_add(struct chart *c, const char *name, unsigned colour, bool dashed,
	const double *y);
void chart_fini(struct chart *c);
/* A figure element; nothing if no line has a point. */
void chart_html(const struct chart *c, struct buf *out);
/* The step between ticks for at most 5 of them up to most: 1, 2 or 5 times a
 * power of ten. */
double chart_step(double most);
