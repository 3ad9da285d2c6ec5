#pragma once
/*
 * struct tally: a worker's counts, by key, of what it answers and of what its
 * own clients ask for (placement/topk.h), for heat.h. Answers that are passed
 * on from other nodes don't count: clients of a busy node wait longer, so it
 * has the less of that, and if that brought it more work of its own, nothing
 * would hold the two.
 *
 * The worker counts without a lock, hits too: there is one table that it takes
 * for the moment of counting and puts back, and the first worker, who adds up
 * now and then, exchanges it for an empty one. Whoever finds it taken waits for
 * nobody: what was counted there comes the next time.
 */
#include "placement/demand.h"
#include "placement/topk.h"

#include <stdatomic.h>

struct news;
struct node;

enum {
	TALLY_TICK_MS = 250, /* between two collections */
	TALLY_ASKED_MOST = 64,
};

struct tally_counts {
	struct topk answered, asked;
};

struct tally {
	_Atomic(struct tally_counts *) counts; /* owned; NULL: taken */
	/* The first worker's: what it has collected, fading; and the empty
	 * table. Owned. */
	struct topk answered, recent, asked;
	double in; /* what clients ask for, as answered fades */
	struct tally_counts *spare;
};

struct tally *tally_new(void);
void tally_free(struct tally *t); /* NULL is fine */

enum tally_of {
	TALLY_ASKED = 1,    /* a client of ours asks, whoever will answer */
	TALLY_ANSWERED = 2, /* the worker answers, whoever asked */
	TALLY_OTHER = 4,    /* ... what nobody else could: that is of no key */
};

/* A request for that key: any of enum tally_of; with so many bytes in answer.
 */
void tally_count(struct tally *t, const struct place_key *key, unsigned of,
	uint64_t bytes);
/* A tick has gone by: takes over what was counted. */
void tally_collect(struct tally *t);

/* Of all workers, as of the last tick: the keys and rates of what was answered;
 * the rest of *out is untouched. */
void tally_report(const struct node *n, struct news *out);
/* What our own clients asked for most in the last moments: as rates, counts out
 * of *total. */
size_t tally_asked(const struct node *n, struct demand_key *out, double *total);
