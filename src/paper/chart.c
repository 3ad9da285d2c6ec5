/* See chart.h. */
#include "paper/chart.h"

#include "base/mem.h"
#include "paper/grid.h"

#include <math.h>
#include <stdlib.h>

/* In the SVG's own units. */
enum {
	WIDTH = 560,
	HEIGHT = 300,
	LEFT = 52,
	RIGHT = 12,
	TOP = 12,
	BOTTOM = 36
};

void
chart_add(struct chart *c, const char *name, unsigned colour, bool dashed,
	const double *y)
{
	struct chart_line line = {.colour = colour, .dashed = dashed};
	bool any = false;

	for (size_t i = 0; i < CHART_POINTS; i++) {
		line.y[i] = y[i];
		any = any || isfinite(y[i]);
	}
	if (!any)
		return;
	line.name = xstrdup(name);
	c->lines = xrealloc(c->lines, (c->n + 1) * sizeof(*c->lines));
	c->lines[c->n++] = line;
}

void
chart_fini(struct chart *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->lines[i].name);
	free(c->lines);
	*c = (struct chart){0};
}

double
chart_step(double most)
{
	double power = pow(10, floor(log10(most / 5)));
	double steps = most / 5 / power;

	return power * (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10);
}

static double
highest(const struct chart *c)
{
	double most = 0;

	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < CHART_POINTS; k++)
			most = fmax(most, c->lines[i].y[k]); /* NaN: not it */
	return most > 0 ? most : 1;
}

static double
x_of(size_t point)
{
	return LEFT + 14 +
		(double)point * (WIDTH - LEFT - RIGHT - 28) /
		(CHART_POINTS - 1);
}

static double
y_of(double v, double top)
{
	return HEIGHT - BOTTOM - v / top * (HEIGHT - TOP - BOTTOM);
}

static void
put_axes(const struct chart *c, double step, double top, struct buf *out)
{
	for (unsigned t = 0; t * step <= top + step / 2; t++) {
		double v = t * step, y = y_of(v, top);

		buf_printf(out,
			"<path class=\"rule\" d=\"M%d %.1fH%d\"/>"
			"<text x=\"%d\" y=\"%.1f\" class=\"y\">%g</text>\n",
			LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, v);
	}
	for (size_t i = 0; i < CHART_POINTS; i++)
		buf_printf(out,
			"<text x=\"%.1f\" y=\"%d\" class=\"x\">%u</text>\n",
			x_of(i), HEIGHT - BOTTOM + 16, cell_sizes[i]);
	buf_printf(out, "<text x=\"%d\" y=\"%d\" class=\"x\">nodes; ",
		(LEFT + WIDTH) / 2, HEIGHT - 3);
	grid_html_text(out, c->unit);
	buf_z(out, "</text>\n");
}

static void
put_line(const struct chart_line *l, double top, struct buf *out)
{
	bool down = false;

	buf_printf(out, "<path class=\"line c%u%s\" d=\"", l->colour,
		l->dashed ? " dashed" : "");
	for (size_t i = 0; i < CHART_POINTS; i++) {
		if (isfinite(l->y[i]))
			buf_printf(out, "%c%.1f %.1f", down ? 'L' : 'M',
				x_of(i), y_of(l->y[i], top));
		/* Over a size that was not measured the line goes on. */
		down = down || isfinite(l->y[i]);
	}
	buf_z(out, "\"/>\n");
	for (size_t i = 0; i < CHART_POINTS && !l->dashed; i++)
		if (isfinite(l->y[i]))
			buf_printf(out,
				"<circle class=\"c%u\" cx=\"%.1f\" cy=\"%.1f\" "
				"r=\"3.5\"><title>%.3g</title></circle>\n",
				l->colour, x_of(i), y_of(l->y[i], top),
				l->y[i]);
}

static void
put_key(const struct chart *c, struct buf *out)
{
	buf_z(out, "<p class=\"key\">");
	for (size_t i = 0; i < c->n; i++) {
		buf_printf(out,
			"<span><svg width=\"26\" height=\"8\"><path "
			"class=\"line c%u%s\" d=\"M1 4H25\"/></svg> ",
			c->lines[i].colour,
			c->lines[i].dashed ? " dashed" : "");
		grid_html_text(out, c->lines[i].name);
		buf_z(out, "</span> ");
	}
	buf_z(out, "</p>\n");
}

void
chart_html(const struct chart *c, struct buf *out)
{
	double most = highest(c), step = chart_step(most);
	double top = step * ceil(most / step);

	if (c->n == 0)
		return;
	buf_z(out, "<figure><figcaption>");
	grid_html_text(out, c->title);
	buf_printf(out,
		"</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-label=\"",
		WIDTH, HEIGHT);
	grid_html_text(out, c->title);
	buf_z(out, "\">\n");
	put_axes(c, step, top, out);
	for (size_t i = 0; i < c->n; i++)
		put_line(&c->lines[i], top, out);
	buf_z(out, "</svg>\n");
	put_key(c, out);
	buf_z(out, "</figure>\n");
}
