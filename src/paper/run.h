#pragma once
/*
 * One cell, measured: a lab is made for it, clients warm its caches, then what
 * passes in some seconds of steady load is counted, and the lab is taken down.
 * Needs root, and the machine's one lab.
 */
#include "paper/result.h"

struct run_options {
	uint64_t link_bits; /* where that is not too much for the machine */
	double warm_s, measure_s;
	unsigned per_server; /* connections, as many again for each node */
	/* Of a core, for each node where time is scarce: the paper's servers
	 * were slower than their links. */
	unsigned share_millicores;
	uint64_t seed;
	const char *folder; /* for the origin's files; exists */
};

/* The parameters that all cells of a matrix share, as a line. */
void run_setup(const struct run_options *o, char *out, size_t size);

/* The rate of links with which this machine should have time to spare: the
 * options', or less where so many nodes would carry more requests a second than
 * the machine does. */
uint64_t run_link_bits(const struct run_options *o, const struct cell *c);
/* How long a cell takes, about. */
double run_expected_s(const struct run_options *o, const struct cell *c);

/* Fills all but version and setup. 0, -EINTR when it was interrupted (SIGINT,
 * SIGTERM and SIGHUP are held back), or negative errno with a message. */
int run_cell(const struct run_options *o, const struct cell *c,
	uint64_t link_bits, struct result *out);
