#pragma once
/*
 * What all meters of a lab and of the machine under it read at one moment; and
 * what happened between two moments.
 */
#include "bench/play.h"
#include "lab/arch.h"
#include "lab/lab.h"
#include "paper/result.h"
#include "paper/strain.h"

struct clients;

struct host_gauge {
	char name[12];
	uint64_t at_ns; /* reading all hosts takes its time */
	struct lab_counters link;
	struct lab_stats stats;
};

struct gauge {
	uint64_t at_ns;
	struct strain_times strain;
	struct hist late_ns;
	struct play_result play;
	uint64_t fetches;		       /* of the origin */
	struct host_gauge hosts[RESULT_HOSTS]; /* client, balancer, n1, ... */
	size_t nhosts;
};

struct gauge_sources {
	unsigned nodes;
	struct clients *clients;
	const struct hist *late_ns; /* strain_sleep()'s */
	const char *origin_log;	    /* a line for each request */
};

/* hosts_first: at the beginning of what is measured; then the hosts' meters,
 * which take some CPU, are read before it, and after it at the end. */
int
gauge_read(const struct gauge_sources *s, bool hosts_first, struct gauge *out);
/* How often the origin was asked so far. Negative errno. */
int gauge_fetches(const char *origin_log, uint64_t *out);

/* Fills r->f, r->hosts and r->busiest, but for what no meter shows: link_mbit
 * and connections, which must be there. client_mbit: its link's rate (pure). */
void gauge_figures(const struct gauge *a, const struct gauge *b,
	double client_mbit, struct result *r);
