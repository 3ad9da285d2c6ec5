#pragma once
/* The paper's own figures: its Tables 4 to 9 (published.csv). */

enum published_metric { PUBLISHED_REQUESTS_PER_S, PUBLISHED_MBIT_PER_S };

/* Names as in cell.h: "surge-100", "distributed", "rr". NaN: it has none. */
double published(const char *workload, const char *arch, const char *policy,
	unsigned nodes, enum published_metric m);
