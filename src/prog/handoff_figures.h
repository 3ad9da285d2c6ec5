#pragma once
/*
 * struct figures: what `sevenfold bench handoff` measures: what a request costs
 * two nodes, by way, size of the answer, and kind of connection.
 */
#include "base/buf.h"

enum {
	FIGURES_SIZES = 7,
	FIGURES_CONNECTIONS = 8, /* at a time */
	FIGURES_CROWD = 64,	 /* ... when there are many */
};
extern const uint64_t figures_sizes[FIGURES_SIZES]; /* bytes, rising */

enum way { LOCAL, RELAY, HANDOFF, WAYS };

/* Of one way, size and kind of connection. */
struct cost {
	double first_us, both_us; /* per request: the first node's; all */
	uint64_t p50_ns, p99_ns;
	uint64_t wrong;
};

struct figures {
	/* A connection for each request, and many on one. */
	struct cost fresh[FIGURES_SIZES][WAYS], kept[FIGURES_SIZES][WAYS];
	struct cost crowd[WAYS]; /* fresh, of the smallest size */
	double repair_us;	 /* see bench_repair.h */
};

/* Answers that were: then what is measured is not worth much. */
uint64_t figures_wrong(const struct figures *f);
/* Tables and sentences; or lines of JSON. */
void figures_put_text(const struct figures *f, struct buf *out);
void figures_put_json(const struct figures *f, struct buf *out);
