#pragma once
/*
 * What is known of a demo's run, from sources that know nothing of each other:
 * the client's own tallies, the nodes' status, the origin's access log, and
 * the counters of the links. demo_claims.h holds them against each other.
 */
#include "bench/traffic.h"
#include "lab/lab.h"
#include "prog/demo_distill.h"

struct tree;

/* DEMO_COUNTER(name): of a node's status; see proxy/counters.def */
#define DEMO_COUNTERS(DEMO_COUNTER)  \
	DEMO_COUNTER(requests)       \
	DEMO_COUNTER(local)          \
	DEMO_COUNTER(relayed)        \
	DEMO_COUNTER(served)         \
	DEMO_COUNTER(hits)           \
	DEMO_COUNTER(coalesced)      \
	DEMO_COUNTER(lent)           \
	DEMO_COUNTER(told)           \
	DEMO_COUNTER(client_bytes)   \
	DEMO_COUNTER(origin_fetches) \
	DEMO_COUNTER(objects)        \
	DEMO_COUNTER(cache_bytes)    \
	DEMO_COUNTER(distilled)      \
	DEMO_COUNTER(distill_left)   \
	DEMO_COUNTER(distill_failed) \
	DEMO_COUNTER(distill_late)

struct demo_node {
	char name[32];
#define DEMO_COUNTER(name) uint64_t name;
	DEMO_COUNTERS(DEMO_COUNTER)
#undef DEMO_COUNTER
};

/* Filled by the client's process, in shared memory. */
struct demo_client {
	struct traffic_tally tally;
	struct load_result visit, crowd;
	struct demo_distilled distilled;
};

struct demo_links {
	struct lab_counters client, balancer;
};

struct demo_facts {
	const struct tree *tree;	  /* borrowed */
	const struct demo_client *client; /* borrowed */
	const struct policy *policy;
	struct demo_node *nodes; /* owned */
	size_t nnodes;
	unsigned *fetches;	 /* owned: per file of the tree, in full */
	uint64_t odd_fetches;	 /* of nothing in the tree, or not in full */
	struct demo_links links; /* what passed during the traffic */
};

int demo_links_read(struct demo_links *out);
/* after - before, into *out */
void demo_links_since(const struct demo_links *before,
	const struct demo_links *after, struct demo_links *out);

/* Asks the nodes and reads the origin's log, into *f whose borrowed fields,
 * nnodes and links are set. 0, or negative errno after saying why. */
int demo_facts_gather(struct demo_facts *f);
void demo_facts_fini(struct demo_facts *f);

/* The sum over all nodes of the counter at that offset in struct demo_node. */
uint64_t demo_sum(const struct demo_facts *f, size_t counter);
#define DEMO_SUM(f, name) demo_sum(f, offsetof(struct demo_node, name))
