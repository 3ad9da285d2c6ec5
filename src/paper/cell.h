#pragma once
/*
 * struct cell: one point of the paper's experiment: so many nodes in an
 * architecture, with a policy where it takes one, under a workload. A matrix is
 * cells in the order in which they are measured.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch;

/* What is to be scarce: the links, as where the paper's balancer was at its
 * end, or the nodes' processor time, as where its servers were. */
enum scarce { SCARCE_LINK, SCARCE_TIME, SCARCES };

struct cell {
	const struct arch *arch;
	unsigned nodes;
	const char *policy; /* one of cell_policies; "" in others' rows */
	const char *workload;
	enum scarce scarce;
	double rate; /* open loop: requests/s for each node; 0: closed loop */
};

/* The paper's: 1 to 16 nodes; md5, mit_ch, ...; and its three workloads. */
enum { CELL_SIZES = 5, CELL_POLICIES = 6, CELL_WORKLOADS = 3 };
extern const unsigned cell_sizes[CELL_SIZES];
extern const char *const cell_policies[CELL_POLICIES];
extern const char *const cell_workloads[CELL_WORKLOADS];
const char *cell_scarce_name(enum scarce s);
/* It is measured with each of the policies, as in the paper. */
bool cell_varies(const struct arch *a);

bool cell_equal(const struct cell *a, const struct cell *b);
/* "distributed ht_rr 16 surge-100 link"; the caller's */
char *cell_name(const struct cell *c);

struct matrix {
	struct cell *cells; /* owned */
	size_t n;
};

/* Lists of names with commas between them; NULL is all. */
struct matrix_choice {
	const char *archs, *nodes, *policies, *workloads, *scarce;
	double rate;
};

/* All combinations. False, with a word that no list may have in *bad (a part of
 * the choice). */
bool
matrix_choose(struct matrix *m, const struct matrix_choice *c, struct str *bad);
/* What shows the paper's shapes, and Sevenfold's line, in ten minutes. */
void matrix_quick(struct matrix *m);
void matrix_fini(struct matrix *m);
