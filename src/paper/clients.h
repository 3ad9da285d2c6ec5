#pragma once
/*
 * The clients of a cell: a process in the lab's host `client` that asks for a
 * workload's files, a connection for each request, until it is ended. Its
 * tallies can be read while it runs.
 */
#include "bench/mix.h"
#include "bench/play.h"

#include <sys/types.h>

struct clients {
	struct mix *mix; /* borrowed */
	unsigned connections;
	double rate;		   /* requests/s in all; 0: closed loop */
	uint64_t timeout_ns;	   /* of a request */
	struct play_result *tally; /* owned: in memory shared with it */
	pid_t pid;
};

/* Sets tally and pid. Negative errno. */
int clients_start(struct clients *c);
/* Whether the process is still there, as it should be. */
bool clients_run(struct clients *c);
/* The CPU time that it has had. */
uint64_t clients_cpu_ns(const struct clients *c);
void clients_end(struct clients *c);
