#pragma once
/*
 * A call of the paper's experiment: it goes on with the results of earlier
 * ones, measures what is left of its matrix, tells on standard error how far it
 * is, and writes the reports.
 */
#include "paper/run.h"

struct session_options {
	struct run_options run; /* but for its folder */
	struct matrix matrix;	/* borrowed */
	const char *dir;	/* of results and reports; made if need be */
	uint64_t stop_after_s;	/* no new run then; 0: never */
	double repeat_until_s;	/* no run twice after that; 0: always */
	bool report_only;
};

enum { SESSION_DONE, SESSION_UNFINISHED };

/* SESSION_DONE, also where only the report was asked for; SESSION_UNFINISHED
 * when its time was up; -EINTR; or negative errno, with messages, when a run
 * failed (the others are made all the same), or there is nothing to report.
 * Claims go to standard output. */
int session_run(const struct session_options *o);
