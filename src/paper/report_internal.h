#pragma once
/* Between report.c, which makes the tables, and page.c, which has charts. */
#include "paper/grid.h"
#include "paper/published.h"
#include "paper/report.h"

/* The cells' last results, in the order of the matrix: pointers into *rs. */
struct last {
	const struct result **v; /* owned */
	size_t n;
};
struct last last_of(const struct results *rs);

bool last_has(const struct last *l, const char *workload, enum scarce s);
/* What links of the paper's 100 Mbit/s would have carried: figures of runs
 * where links are scarce grow with their rate. */
double report_scale(const struct result *r);

void report_machine(const struct last *l, struct buf *out);
void report_claim_grid(const struct results *rs, struct grid *g);
void report_table_grid(const struct last *l, const char *workload,
	enum scarce s, enum published_metric m, struct grid *g);
/* What distributed has more than conventional, in percent of requests/s, as in
 * the paper's Tables 10 to 12. */
void report_change_grid(const struct last *l, const char *workload,
	enum scarce s, struct grid *g);
void report_run_grid(const struct last *l, struct grid *g);
/* Of each claim that fails, or may have for the machine's sake: a line. */
void report_reasons(const struct results *rs, const char *before,
	const char *after, struct buf *out);
