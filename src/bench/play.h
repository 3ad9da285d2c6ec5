#pragma once
/*
 * A load of requests for the objects of a catalog (bench/catalog.h), in some
 * order, with every answer checked against the catalog.
 */
#include "bench/catalog.h"
#include "bench/load.h"
#include "bench/shares.h"

struct play_step {
	struct catalog_request request;
	uint64_t wait_ns; /* see load.h; a closed loop's user thinks */
};

/* What the client asks for next; false: nothing more. *out is all zero. */
typedef bool play_order_fn(void *ctx, unsigned client, struct play_step *out);

struct play {
	struct load load; /* but for what play_run() sets: next .. ctx */
	struct str host;  /* what the requests say in Host */
	uint64_t limit;	  /* requests; 0: all that the order has */
	play_order_fn *order;
	void *order_ctx;
};

enum { PLAY_EXAMPLES = 5 };

struct play_example {
	const struct object *object; /* the catalog's */
	enum load_outcome outcome;
	uint64_t body; /* bytes that came */
};

struct play_result {
	struct load_result load;
	uint64_t targets; /* distinct ones asked for */
	uint64_t hits;	  /* by Cache-Status, from the owner's cache */
	uint64_t joined;  /* by Cache-Status, from a fetch under way */
	uint64_t relayed; /* by Cache-Status, through another node */
	struct shares shares;
	struct play_example examples[PLAY_EXAMPLES]; /* the first wrong */
	size_t nexamples;
};

/* 0, or negative errno when there is no epoll. */
int play_run(
	const struct play *p, const struct catalog *c, struct play_result *out);

/* The order of a log: its requests, one after the other, once. */
struct play_log {
	const struct catalog *catalog;
	size_t next;
};

bool play_log_order(void *log, unsigned client, struct play_step *out);
