/* See report.h: the page. */
#include "paper/report_internal.h"

#include "base/mem.h"
#include "base/own.h"
#include "lab/arch.h"
#include "paper/chart.h"

#include <math.h>
#include <stdlib.h>

static const char style[] =
#include "paper/page.inc"
	;

/* What has a line, and in which colour, in every chart. */
static const struct {
	const char *arch, *policy;
	unsigned colour;
} lines[] = {
	{"sevenfold", "", 0},
	{"layer4", "", 7},
	{"conventional", "md5", 1},
	{"distributed", "rr", 2},
	{"distributed", "ht_rr", 3},
	{"distributed", "md5", 4},
	{"haproxy", "", 5},
	{"varnish", "", 6},
};

enum { LINES = sizeof(lines) / sizeof(*lines) };

typedef double figure_fn(const struct result *r, const struct result *one);

static double
speed(const struct result *r, const struct result *one)
{
	(void)one;
	return r->f.mbit_per_s * report_scale(r);
}

/* Of as many nodes as good as the one; their links may be slower. */
static double
efficiency(const struct result *r, const struct result *one)
{
	return one ? speed(r, NULL) / speed(one, NULL) / r->cell.nodes : NAN;
}

static double
crossing(const struct result *r, const struct result *one)
{
	(void)one;
	return r->f.crossing;
}

static double
copies(const struct result *r, const struct result *one)
{
	(void)one;
	return r->f.copies;
}

static double
balance(const struct result *r, const struct result *one)
{
	(void)one;
	return r->f.sent_balance;
}

static void
read_line(const struct results *rs, struct cell c, figure_fn *figure, double *y)
{
	const struct result *one;

	c.nodes = 1;
	one = c.arch ? results_find(rs, &c, NULL, NULL) : NULL;
	for (size_t i = 0; i < CHART_POINTS; i++) {
		c.nodes = cell_sizes[i];
		const struct result *r =
			c.arch ? results_find(rs, &c, NULL, NULL) : NULL;

		y[i] = r ? figure(r, one) : NAN;
	}
}

static void
published_line(const struct cell *c, double *y)
{
	for (size_t i = 0; i < CHART_POINTS; i++)
		y[i] = published(c->workload, c->arch->name, c->policy,
			cell_sizes[i], PUBLISHED_MBIT_PER_S);
}

static void
put_chart(const struct results *rs, const char *workload, const char *title,
	const char *unit, figure_fn *figure, struct buf *out)
{
	struct chart chart = {.title = title, .unit = unit};
	double y[CHART_POINTS];

	for (size_t i = 0; i < LINES; i++) {
		const struct cell c = {.arch = arch_find(lines[i].arch),
			.policy = lines[i].policy,
			.workload = workload,
			.scarce = SCARCE_LINK};
		own_free char *name = xasprintf("%s%s%s", lines[i].arch,
			*c.policy ? " " : "", c.policy);
		own_free char *theirs = xasprintf("%s, the paper", name);

		read_line(rs, c, figure, y);
		chart_add(&chart, name, lines[i].colour, false, y);
		if (figure != speed || !c.arch)
			continue;
		published_line(&c, y);
		chart_add(&chart, theirs, lines[i].colour, true, y);
	}
	chart_html(&chart, out);
	chart_fini(&chart);
}

static void
put_charts(const struct results *rs, const char *workload, struct buf *out)
{
	static const struct {
		const char *title, *unit;
		figure_fn *figure;
	} charts[] = {
		{"What clients receive", "Mbit/s with links of 100 Mbit/s",
			speed},
		{"Scaling efficiency", "of N times one node", efficiency},
		{"Crossing factor", "bytes sent by nodes for each received",
			crossing},
		{"Copies of each object", "objects cached, by different ones",
			copies},
		{"Balance", "bytes of the busiest node, by the mean", balance},
	};

	buf_printf(out, "<h2>%s</h2>\n<div class=\"charts\">\n", workload);
	for (size_t i = 0; i < sizeof(charts) / sizeof(*charts); i++)
		put_chart(rs, workload, charts[i].title, charts[i].unit,
			charts[i].figure, out);
	buf_z(out, "</div>\n");
}

static void
put_grid(struct grid *g, struct buf *out)
{
	grid_html(g, out);
	grid_fini(g);
}

static const char *
scarce_text(enum scarce s)
{
	return s == SCARCE_LINK ? "links are scarce, as 100 Mbit/s"
				: "nodes' processor time is scarce";
}

static void
put_tables(const struct last *l, const char *workload, enum scarce s,
	struct buf *out)
{
	static const char *const units[] = {"Requests/s", "Mbit/s"};
	struct grid g;

	if (!last_has(l, workload, s))
		return;
	for (int m = 0; m < 2; m++) {
		buf_printf(out, "<h3>%s: here (in the paper); %s</h3>\n",
			units[m], scarce_text(s));
		report_table_grid(l, workload, s, (enum published_metric)m, &g);
		put_grid(&g, out);
	}
	buf_printf(out,
		"<h3>Distributed by conventional, %%: here (in the "
		"paper); %s</h3>\n",
		scarce_text(s));
	report_change_grid(l, workload, s, &g);
	put_grid(&g, out);
}

static void
put_head(const struct last *l, struct buf *out)
{
	struct buf machine = {0};

	buf_printf(out,
		"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, "
		"initial-scale=1\">\n<title>The paper's experiment</title>\n"
		"<style>\n%s</style>\n<h1>The paper's experiment, here</h1>\n"
		"<pre>",
		style);
	report_machine(l, &machine);
	buf_append(&machine, "", 1);
	grid_html_text(out, buf_head(&machine));
	buf_fini(&machine);
	buf_z(out,
		"</pre>\n<p>Workloads are synthetic: 100 files each, with the "
		"mean sizes that the paper's tables imply. Speeds in claims "
		"are by the link's rate. (?): a run behind it can't prove that "
		"the machine had time to spare.</p>\n<h2>Claims</h2>\n");
}

void
report_html(const struct results *rs, struct buf *out)
{
	struct last l = last_of(rs);
	struct grid g;

	put_head(&l, out);
	report_claim_grid(rs, &g);
	put_grid(&g, out);
	buf_z(out,
		"<h3>Behind those that fail, or may, as measured</h3>\n<ul>\n");
	report_reasons(rs, "<li>", "</li>\n", out);
	buf_z(out, "</ul>\n");
	for (size_t w = 0; w < CELL_WORKLOADS; w++) {
		put_charts(rs, cell_workloads[w], out);
		for (enum scarce t = 0; t < SCARCES; t++)
			put_tables(&l, cell_workloads[w], t, out);
	}
	buf_z(out, "<h2>All runs</h2>\n");
	report_run_grid(&l, &g);
	put_grid(&g, out);
	buf_z(out, "</html>\n");
	free(l.v);
}
