#pragma once
/*
 * Replay of a log: its requests, in order, over K connections, with every
 * answer checked against the catalog (bench/catalog.h).
 */
#include "bench/load.h"

struct catalog;
struct object;

struct replay {
	struct in_addr addr;
	uint16_t port;
	struct str host;
	unsigned connections;
	unsigned per_connection; /* 0: no limit; 1: one request each */
	uint64_t limit;		 /* requests; 0: all */
	bool progress;
};

enum { REPLAY_EXAMPLES = 5 };

struct replay_example {
	const struct object *object; /* the catalog's */
	enum load_outcome outcome;
	uint64_t body; /* bytes that came */
};

struct replay_result {
	struct load_result load;
	uint64_t targets; /* distinct ones asked for */
	uint64_t hits;	  /* by Cache-Status, from the owner's cache */
	uint64_t joined;  /* by Cache-Status, from a fetch under way */
	uint64_t relayed; /* by Cache-Status, through another node */
	struct replay_example examples[REPLAY_EXAMPLES]; /* the first wrong */
	size_t nexamples;
};

/* 0, or negative errno when there is no epoll. */
int replay_run(const struct replay *r, const struct catalog *c,
	struct replay_result *out);
