#pragma once
/*
 * struct moves: connections that nodes have moved between each other, and that
 * last: their packets go to the node that has them now, without a detour by the
 * one that they came to first, and do not need that one any more. Each node is
 * asked in turn for what is new there (handoff/claims.h), and may claim for
 * itself only, and only what is a flow of the cluster's service here
 * (l4/redirect.h). Where links are scarce nodes tell at once, too
 * (balancer_notices.h).
 *
 * Without a secret nodes move nothing, and nobody is asked.
 */
#include "l4/redirect.h"

struct moves;
struct program;

/* NULL: nobody is to be asked, or can be; why is logged. */
struct moves *moves_new(struct program *p);
void moves_free(struct moves *m); /* NULL is fine */

struct moves_counts {
	uint64_t untrusted; /* words that another one must have written */
	uint64_t at_once;   /* of `done`: when they had just been moved */
	uint64_t result[REDIRECTS]; /* of what was claimed */
};

struct moves_counts moves_counts(const struct moves *m); /* NULL: nothing */
const char *moves_result_name(enum redirect r);
const char *moves_result_meaning(enum redirect r);
