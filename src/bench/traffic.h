#pragma once
/*
 * Clients of a web site whose files we have (bench/tree.h): one that visits
 * every object once, and many that prefer what is popular. All answers are
 * compared with the files, and what their heads say about the way they came
 * (bench/trail.h) is tallied. Tallies are flat, so that a process in another
 * network namespace can fill them in shared memory.
 */
#include "bench/load.h"

#include <stddef.h>
#include <stdint.h>

struct tree;

enum { TRAFFIC_NODES = 64, TRAFFIC_OBJECTS = 4096 };

struct traffic_node {
	char name[32];	   /* as in Cache-Status */
	uint64_t requests; /* of clients that it took in */
	uint64_t local;	   /* of these, answered by itself */
	uint64_t owned;	   /* answers that came from it, others' included */
	/* of these, from its cache, or from a fetch that was under way */
	uint64_t saved;
};

struct traffic_tally {
	struct load_result result;
	struct traffic_node nodes[TRAFFIC_NODES];
	size_t nnodes;
	uint64_t untold; /* answers without Cache-Status, or by too many */
	/* per file of the tree: a bit per node that an answer came from */
	uint64_t owners[TRAFFIC_OBJECTS];
};

struct traffic {
	struct in_addr addr;
	uint16_t port;
	const char *host;	 /* borrowed */
	const struct tree *tree; /* borrowed; at most TRAFFIC_OBJECTS files */
	unsigned connections;
	unsigned per_connection; /* requests */
	bool progress;
};

/* Each object once. Both add to what *t has from before, but for t->result,
 * which is of the last call alone. 0 or negative errno. */
int traffic_visit(const struct traffic *c, struct traffic_tally *t);
/* By popularity, for some time. */
int traffic_crowd(
	const struct traffic *c, uint64_t duration_ns, struct traffic_tally *t);
