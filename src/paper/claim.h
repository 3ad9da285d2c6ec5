#pragma once
/*
 * Claims: the shapes of the paper's tables, and what Sevenfold is to add, each
 * as a figure that must be within bounds, here and in the paper.
 */
#include "paper/result.h"

#include "base/buf.h"

enum verdict {
	VERDICT_HOLDS,
	VERDICT_FAILS,
	VERDICT_UNKNOWN, /* not measured */
};

struct claim {
	const char *what;
	const char *workload;
	double at_least, at_most;
	double paper; /* its own figure, NaN if it has none */
	double ours;  /* NaN: not measured */
	enum verdict verdict;
	bool doubtful; /* a run behind it was perhaps the machine's */
	const struct result *behind; /* the run that it is about, or NULL */
};

size_t claim_count(void);
/* Claim i of a workload, by the last result of each cell. */
struct claim
claim_judge(const struct results *rs, size_t i, const char *workload);
/* What limited a run, in words, measured. */
void claim_story(const struct result *r, struct buf *out);
