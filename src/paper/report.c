/* See report.h. */
#include "paper/report_internal.h"

#include "base/mem.h"
#include "base/own.h"
#include "lab/arch.h"
#include "paper/claim.h"

#include <math.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

struct last
last_of(const struct results *rs)
{
	struct matrix m = {0};
	struct last l = {0};
	struct str bad;

	(void)matrix_choose(&m, &(struct matrix_choice){0}, &bad);
	l.v = xcalloc(m.n + rs->n + 1, sizeof(struct result *));
	for (size_t i = 0; i < m.n; i++) {
		const struct result *r =
			results_find(rs, &m.cells[i], NULL, NULL);

		if (r)
			l.v[l.n++] = r;
	}
	/* Those in an open loop are in no matrix of their own. */
	for (size_t i = 0; i < rs->n; i++)
		if (rs->v[i].cell.rate > 0 &&
			results_find(rs, &rs->v[i].cell, NULL, NULL) ==
				&rs->v[i])
			l.v[l.n++] = &rs->v[i];
	matrix_fini(&m);
	return l;
}

bool
last_has(const struct last *l, const char *workload, enum scarce s)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i]->cell.workload, workload) &&
			l->v[i]->cell.scarce == s && l->v[i]->cell.rate == 0)
			return true;
	return false;
}

double
report_scale(const struct result *r)
{
	return r->cell.scarce == SCARCE_LINK ? 100 / r->f.link_mbit : 1;
}

/* --- where and how --- */

static void
cpu_model(char *out, size_t size)
{
	own_file FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(out, size, "unknown CPU");
	while (f && fgets(line, sizeof(line), f)) {
		struct str rest = str_z(line), name;

		str_split(&rest, ':', &name);
		if (!str_starts(name, STR("model name")))
			continue;
		rest.n -= rest.n > 0; /* the newline */
		rest = str_trim(rest);
		snprintf(out, size, "%.*s", STR_ARG(rest));
		return;
	}
}

/* Versions and setups of the results: more than one, if they are mixed. */
static void
put_setups(const struct last *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct result *r = l->v[i];
		const char *when = r->when;
		size_t n = 0;
		bool first = true;

		for (size_t k = 0; k < l->n; k++) {
			bool same = !strcmp(r->version, l->v[k]->version) &&
				!strcmp(r->setup, l->v[k]->setup);

			first = first && (k >= i || !same);
			n += same;
			if (same && strcmp(l->v[k]->when, when) > 0)
				when = l->v[k]->when;
		}
		if (first)
			buf_printf(out,
				"%zu run%s, the last on %s, by %s: %s\n", n,
				n == 1 ? "" : "s", when, r->version, r->setup);
	}
}

void
report_machine(const struct last *l, struct buf *out)
{
	struct utsname u = {0};
	char model[128];
	size_t doubtful = 0;

	(void)uname(&u);
	cpu_model(model, sizeof(model));
	for (size_t i = 0; i < l->n; i++)
		doubtful += limit_is_doubtful(l->v[i]->limit);
	buf_printf(out, "%s, %ld CPUs, %ld MB, %s %s.\n", model,
		sysconf(_SC_NPROCESSORS_ONLN),
		sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024,
		u.sysname, u.release);
	put_setups(l, out);
	buf_printf(out,
		"%zu of %zu runs can't prove that the machine had time to "
		"spare.\n",
		doubtful, l->n);
}

/* --- claims --- */

static const char *
verdict_text(const struct claim *c)
{
	switch (c->verdict) {
	case VERDICT_HOLDS: return c->doubtful ? "holds (?)" : "holds";
	case VERDICT_FAILS: return c->doubtful ? "FAILS (?)" : "FAILS";
	default: return "not measured";
	}
}

static void
bounds_cell(struct grid *g, const struct claim *c)
{
	if (c->at_least > 0 && c->at_most > 0)
		grid_cell(g, "%.4g to %.4g", c->at_least, c->at_most);
	else if (c->at_least > 0)
		grid_cell(g, ">= %.4g", c->at_least);
	else
		grid_cell(g, "<= %.4g", c->at_most);
}

static bool
is_any_measured(const struct results *rs, const char *workload)
{
	for (size_t i = 0; i < rs->n; i++)
		if (!strcmp(rs->v[i].cell.workload, workload))
			return true;
	return false;
}

void
report_claim_grid(const struct results *rs, struct grid *g)
{
	grid_init(g, 3, "claim|workload|verdict|asked for|here|paper");
	for (size_t w = 0; w < CELL_WORKLOADS; w++)
		for (size_t i = 0; i < claim_count() &&
			is_any_measured(rs, cell_workloads[w]);
			i++) {
			struct claim c = claim_judge(rs, i, cell_workloads[w]);

			grid_cell(g, "%s", c.what);
			grid_cell(g, "%s", c.workload);
			grid_cell(g, "%s", verdict_text(&c));
			bounds_cell(g, &c);
			grid_number(g, c.ours, 2);
			grid_number(g, c.paper, 2);
		}
}

void
report_reasons(const struct results *rs, const char *before, const char *after,
	struct buf *out)
{
	for (size_t w = 0; w < CELL_WORKLOADS; w++)
		for (size_t i = 0; i < claim_count(); i++) {
			struct claim c = claim_judge(rs, i, cell_workloads[w]);

			if (c.verdict == VERDICT_UNKNOWN || !c.behind ||
				(c.verdict == VERDICT_HOLDS && !c.doubtful))
				continue;
			own_free char *name = cell_name(&c.behind->cell);
			buf_printf(out, "%s%s (%s). %s: ", before, c.what,
				c.workload, name);
			claim_story(c.behind, out);
			buf_z(out, after);
		}
}

/* --- all runs --- */

void
report_run_grid(const struct last *l, struct grid *g)
{
	grid_init(g, 3,
		"run|limit|busiest link|link|req/s|Mbit/s|p50 ms|p99 ms|hits|"
		"relayed|copies|balance|used|sent|crossing|CPU|idle|steal|"
		"late ms|wrong");
	for (size_t i = 0; i < l->n; i++) {
		const struct result *r = l->v[i];
		const struct figures *f = &r->f;
		own_free char *name = cell_name(&r->cell);

		if (r->cell.rate > 0)
			grid_cell(g, "%s, %g/s", name, r->cell.rate);
		else
			grid_cell(g, "%s", name);
		grid_cell(g, "%s", limit_name(r->limit));
		grid_cell(g, "%s", r->busiest);
		grid_number(g, f->link_mbit, 1);
		grid_number(g, f->requests_per_s, 0);
		grid_number(g, f->mbit_per_s, 1);
		grid_number(g, f->p50_ms, 0);
		grid_number(g, f->p99_ms, 0);
		grid_number(g, f->hits, 3);
		grid_number(g, f->relayed, 2);
		grid_number(g, f->copies, 2);
		grid_number(g, f->balance, 2);
		grid_number(g, f->busiest, 2);
		grid_number(g, f->nodes_sent, 2);
		grid_number(g, f->crossing, 2);
		grid_number(g, f->lab_cpu, 2);
		grid_number(g, f->idle, 2);
		grid_number(g, f->steal, 2);
		grid_number(g, f->late_p99_ms, 1);
		grid_number(g, f->wrong, 0);
	}
}

static void
csv_row(const struct result *r, struct buf *out)
{
	const struct cell *c = &r->cell;

	buf_printf(out, "%s,%s,%u,%s,%s,%g,%s,%s", c->arch->name, c->policy,
		c->nodes, c->workload, cell_scarce_name(c->scarce), c->rate,
		limit_name(r->limit), r->when);
#define FIGURE(name, what)                           \
	if (isfinite(r->f.name))                     \
		buf_printf(out, ",%.6g", r->f.name); \
	else                                         \
		buf_z(out, ",");
#include "paper/figure.def"
#undef FIGURE
	buf_z(out, "\n");
}

void
report_csv(const struct results *rs, struct buf *out)
{
	struct last l = last_of(rs);

	buf_z(out, "arch,policy,nodes,workload,scarce,rate,limit,when");
#define FIGURE(name, what) buf_z(out, "," #name);
#include "paper/figure.def"
#undef FIGURE
	buf_z(out, "\n");
	for (size_t i = 0; i < l.n; i++)
		csv_row(l.v[i], out);
	free(l.v);
}

/* --- together --- */

static void
put_grid(struct grid *g, struct buf *out)
{
	grid_markdown(g, out);
	grid_fini(g);
}

static const char *
scarce_text(enum scarce s)
{
	return s == SCARCE_LINK ? "links are scarce, scaled to 100 Mbit/s"
				: "nodes' processor time is scarce";
}

/* Of one workload, and what is scarce. */
static void
put_tables(const struct last *l, const char *workload, enum scarce s,
	struct buf *out)
{
	static const char *const units[] = {"requests/s", "Mbit/s"};
	struct grid g;

	if (!last_has(l, workload, s))
		return;
	for (int m = 0; m < 2; m++) {
		buf_printf(out, "\n### %s, %s, %s\n\n", workload, units[m],
			scarce_text(s));
		report_table_grid(l, workload, s, (enum published_metric)m, &g);
		put_grid(&g, out);
	}
	buf_printf(out, "\n### %s, distributed by conventional, %%, %s\n\n",
		workload, scarce_text(s));
	report_change_grid(l, workload, s, &g);
	put_grid(&g, out);
}

static void
put_all_tables(const struct last *l, struct buf *out)
{
	for (size_t w = 0; w < CELL_WORKLOADS; w++)
		for (enum scarce s = 0; s < SCARCES; s++)
			put_tables(l, cell_workloads[w], s, out);
}

static void
put_legend(struct buf *out)
{
	buf_z(out, "\n");
#define FIGURE(name, what) \
	if (*what)         \
		buf_printf(out, "- %s: %s\n", #name, what);
#include "paper/figure.def"
#undef FIGURE
	for (enum limit i = 0; i < LIMITS; i++)
		buf_printf(
			out, "- limit %s: %s\n", limit_name(i), limit_text(i));
}

void
report_claims(const struct results *rs, struct buf *out)
{
	struct grid g;

	report_claim_grid(rs, &g);
	put_grid(&g, out);
}

void
report_markdown(const struct results *rs, struct buf *out)
{
	struct last l = last_of(rs);
	struct grid g;

	buf_z(out, "# The paper's experiment, here\n\n");
	report_machine(&l, out);
	buf_z(out,
		"\nWorkloads are synthetic: 100 files each, with the mean "
		"sizes that the paper's tables imply.\nSpeeds in claims are "
		"by the link's rate. (?): a run behind it can't prove that "
		"the machine had time to spare.\n\n## Claims\n\n");
	report_claims(rs, out);
	buf_z(out, "\nBehind those that fail, or may, as measured:\n\n");
	report_reasons(rs, "- ", "\n", out);
	buf_z(out, "\n## Tables: here (in the paper)\n");
	put_all_tables(&l, out);
	buf_z(out, "\n## All runs\n\n");
	report_run_grid(&l, &g);
	put_grid(&g, out);
	put_legend(out);
	free(l.v);
}
