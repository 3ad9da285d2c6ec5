/* See report_internal.h: the paper's tables, with ours beside them. */
#include "paper/report_internal.h"

#include "lab/arch.h"

#include <math.h>

static const struct result *
at(const struct last *l, const struct cell *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (cell_equal(&l->v[i]->cell, c))
			return l->v[i];
	return NULL;
}

/* "412 (479)": ours and the paper's */
static void
table_cell(const struct last *l, const struct cell *c, enum published_metric m,
	struct grid *g)
{
	double theirs =
		published(c->workload, c->arch->name, c->policy, c->nodes, m);
	const struct result *r = at(l, c);
	double ours = !r ? NAN
		: m == PUBLISHED_MBIT_PER_S
		? r->f.mbit_per_s * report_scale(r)
		: r->f.requests_per_s * report_scale(r);
	const char *mark = r && limit_is_doubtful(r->limit) ? "?" : "";

	if (isnan(ours) && isnan(theirs))
		grid_cell(g, "-");
	else if (isnan(ours))
		grid_cell(g, "- (%.0f)", theirs);
	else if (isnan(theirs))
		grid_cell(g, "%.0f%s", ours, mark);
	else
		grid_cell(g, "%.0f%s (%.0f)", ours, mark, theirs);
}

static bool
has_row(const struct last *l, struct cell c)
{
	for (size_t s = 0; s < CELL_SIZES; s++) {
		c.nodes = cell_sizes[s];
		if (at(l, &c))
			return true;
	}
	return false;
}

static void
table_row(const struct last *l, struct cell c, enum published_metric m,
	struct grid *g)
{
	bool in_paper =
		!isnan(published(c.workload, c.arch->name, c.policy, 1, m));

	if (!has_row(l, c) && !in_paper)
		return;
	grid_cell(g, "%s", c.arch->name);
	grid_cell(g, "%s", *c.policy ? c.policy : "its own");
	for (size_t s = 0; s < CELL_SIZES; s++) {
		c.nodes = cell_sizes[s];
		table_cell(l, &c, m, g);
	}
}

void
report_table_grid(const struct last *l, const char *workload, enum scarce s,
	enum published_metric m, struct grid *g)
{
	struct cell c = {.workload = workload, .scarce = s};

	grid_init(g, 2, "architecture|policy|N=1|2|4|8|16");
	for (size_t a = 0; (c.arch = arch_at(a)); a++) {
		c.policy = "";
		if (!cell_varies(c.arch)) {
			table_row(l, c, m, g);
			continue;
		}
		for (size_t p = 0; p < CELL_POLICIES; p++) {
			c.policy = cell_policies[p];
			table_row(l, c, m, g);
		}
	}
}

static double
change(double distributed, double conventional)
{
	return 100 * (distributed / conventional - 1);
}

static void
change_cell(const struct last *l, struct cell c, struct grid *g)
{
	const struct arch *both[] = {
		arch_find("conventional"), arch_find("distributed")};
	double ours[2], theirs[2];

	for (int i = 0; i < 2; i++) {
		c.arch = both[i];
		const struct result *r = at(l, &c);

		ours[i] = r ? r->f.requests_per_s * report_scale(r) : NAN;
		theirs[i] = published(c.workload, c.arch->name, c.policy,
			c.nodes, PUBLISHED_REQUESTS_PER_S);
	}
	double here = change(ours[1], ours[0]);
	double there = change(theirs[1], theirs[0]);
	if (isnan(here))
		grid_cell(g, "- (%+.0f)", there);
	else
		grid_cell(g, "%+.0f (%+.0f)", here, there);
}

void
report_change_grid(const struct last *l, const char *workload, enum scarce s,
	struct grid *g)
{
	struct cell c = {.workload = workload, .scarce = s};

	grid_init(g, 1, "policy|N=1|2|4|8|16");
	for (size_t p = 0; p < CELL_POLICIES; p++) {
		c.policy = cell_policies[p];
		grid_cell(g, "%s", c.policy);
		for (size_t i = 0; i < CELL_SIZES; i++) {
			c.nodes = cell_sizes[i];
			change_cell(l, c, g);
		}
	}
}
