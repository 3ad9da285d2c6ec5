#pragma once
/*
 * Placement by itself, without a network: what a look-up costs, how evenly keys
 * are spread and how many move, policy by policy. Beside it stand the figures
 * of a simulation made independently of this code, before it.
 */
#include "placement/place.h"

#include <stdio.h>

struct placement_options {
	unsigned keys, nodes, seeds; /* nodes: at most VIEW_MAX_NODES - 1 */
};

struct placement_case {
	const char *label;
	const struct policy *policy;
	unsigned points; /* 0: the policy's own */
	bool renumbered; /* who leaves is taken out of the list, not marked */
	/* The reference, of 200,000 keys and 16 nodes; NAN: there is none. */
	double sd, peak, join, leave;
};

struct placement_result {
	double lookup_ns;   /* of the owner alone */
	double ranking_ns;  /* of all nodes */
	size_t bytes;	    /* of tables */
	double sd;	    /* of the nodes' shares, by the mean; over seeds */
	double peak;	    /* the largest share by the mean: mean, and */
	double worst;	    /* ... worst, over seeds */
	double join, leave; /* shares of keys that moved; NAN: every request */
};

extern const struct placement_case placement_cases[];
extern const size_t nplacement_cases;

void placement_measure(const struct placement_options *o,
	const struct placement_case *c, struct placement_result *out);
/* Within what chance allows? Only for the reference's keys and nodes. */
bool placement_agrees(const struct placement_case *c,
	const struct placement_result *r, unsigned seeds);
