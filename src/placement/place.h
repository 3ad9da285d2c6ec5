#pragma once
/*
 * Placement: which nodes own a key, best first. A policy is a pure function of
 * (key, view), but for rr, which takes turns. All answer with a ranking of the
 * whole view: rank 0 is the owner, the next ones are its stand-ins.
 */
#include "placement/view.h"

#include <stdatomic.h>

struct ranking {
	uint8_t node[VIEW_MAX_NODES]; /* indexes into the view */
	size_t n;
};

struct policy {
	const char *name;
	/* turn: a counter that policies which take turns advance; shared by
	 * all threads of the node that place by it */
	void (*rank)(const struct view *v, struct str key,
		_Atomic uint64_t *turn, struct ranking *out);
};

/* Highest random weight (Thaler and Ravishankar 1998), weighted: score
 * -w/ln(u). A change of members moves the keys of those members only. */
extern const struct policy policy_hrw;
/* The paper's: MD5 of the key, its first 8 bytes big-endian, mod N; stand-ins
 * are the next nodes in order. */
extern const struct policy policy_md5;
/* The paper's upper bound: every request to the next node, whatever its key;
 * so every node comes to hold everything. */
extern const struct policy policy_rr;
