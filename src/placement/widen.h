#pragma once
/*
 * How many nodes are to hold a hot key, from how often it is asked for.
 *
 * A key with the share s of all work of N nodes is held by r nodes,
 *
 *	r = min(N, ceil(s N / theta))
 *
 * so that none of them has more than theta times the mean load from it. theta
 * is as small as the budget of copies allows, down to WIDEN_THETA_LEAST. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIDEN_THETA_LEAST 0.05
/* A key with less than this of a node's mean load bothers nobody. */
#define WIDEN_THETA_MOST 4.0

struct widen_key {
	uint64_t key;
	double share; /* of all that the cluster has to do */
	unsigned r;   /* out */
};

/* Gives each key its r: together, at most `extra` copies more than one of
 * each. Returns theta. */
double widen(struct widen_key *keys, size_t n, unsigned nodes, double extra);
