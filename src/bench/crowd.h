#pragma once
/*
 * A crowd: clients that ask, as fast as they are answered, for objects whose
 * popularity is Zipf's (bench/zipf.h); and, from some moment on, for one that
 * nobody has asked for before, in half of all requests (a flash crowd).
 *
 * Objects are /o/0, /o/1, ..., by popularity, and /flash. What they consist of
 * is not looked at, but for the length of what is expected.
 */
#include "bench/load.h"

enum { CROWD_NODES = 64, CROWD_SECONDS = 600 };

struct crowd {
	struct in_addr addr;
	uint16_t port;
	struct str host;
	size_t objects;
	double alpha;
	uint64_t bytes; /* of each object */
	unsigned connections;
	unsigned per_connection; /* requests; 0: no limit */
	uint64_t duration_ns;
	uint64_t flash_ns; /* from then on; UINT64_MAX: never */
	uint64_t seed;
	bool progress;
};

struct crowd_node {
	char name[32];	 /* as in Cache-Status */
	uint64_t taken;	 /* requests of clients that it took in */
	uint64_t served; /* answers that came from it, others' included */
};

struct crowd_result {
	struct load_result load;
	struct crowd_node nodes[CROWD_NODES];
	size_t nnodes;
	uint64_t flash; /* requests for it */
	/* Answers in each second, and from which node they came. */
	uint64_t second[CROWD_SECONDS];
	uint32_t by_node[CROWD_SECONDS][CROWD_NODES];
};

/* 0 or negative errno. */
int crowd_run(const struct crowd *c, struct crowd_result *out);
