#pragma once
/*
 * struct result: what a cell showed, and what proves that the machine under the
 * lab was not what limited it. A file of results has one per line, as JSON; it
 * only grows, and the last one of a cell counts.
 */
#include "paper/cell.h"

#include <jansson.h>
#include <stdio.h>

struct figures {
#define FIGURE(name, what) double name;
#include "paper/figure.def"
#undef FIGURE
};

/* What limited the run. */
enum limit {
	LIMIT_LINK,	  /* a link is full, the machine had time to spare */
	LIMIT_TIME,	  /* the nodes' share of a core */
	LIMIT_LINK_NOISY, /* a link is full, and the machine was busy too */
	LIMIT_TIME_NOISY, /* that share, and the machine was busy too */
	LIMIT_WAITS,	  /* neither: what clients and nodes wait for */
	LIMIT_MACHINE, /* perhaps the machine's CPU: the figures say little */
	LIMITS
};

enum { RESULT_HOSTS = 24 };

/* Of the balancer, the client and each node, in the time measured. */
struct host_figures {
	char name[12];
	double to_mbit, from_mbit; /* per second, on its link */
	double cpu;		   /* cores that its processes kept busy */
	double requests_per_s;
};

struct result {
	struct cell cell;
	char version[64]; /* of the program that measured */
	char setup[160];  /* the parameters that all cells share */
	char when[24];	  /* UTC, ISO 8601 */
	enum limit limit;
	char busiest[24]; /* the link that `busiest` is about: "n3, sent" */
	char wrong[128];  /* the ways in which requests failed, or "" */
	struct figures f;
	struct host_figures hosts[RESULT_HOSTS];
	size_t nhosts;
};

const char *limit_name(enum limit l);
const char *limit_text(enum limit l);

/* The verdict from the figures (pure). time_bound: the nodes' share of a core
 * was used up. */
enum limit limit_of(const struct figures *f, bool time_bound);
/* It does not prove that the machine had time to spare. */
bool limit_is_doubtful(enum limit l);
/* Slower links may make it proof: what busies the machine, of so many CPUs, is
 * not only others' work. */
bool result_wants_slower(enum limit l, const struct figures *f, unsigned cpus);

/* A new reference. */
json_t *result_json(const struct result *r);
/* False when it is none. */
bool result_read(const json_t *j, struct result *out);

struct results {
	struct result *v; /* owned */
	size_t n;
};

/* 0, also when there is no such file; negative errno. Lines that are no results
 * (a write that was cut short) are counted in *bad. */
int results_load(struct results *rs, const char *path, size_t *bad);
/* Appends it to *rs and, in one write, to the file. Negative errno. */
int results_add(struct results *rs, const char *path, const struct result *r);
void results_fini(struct results *rs);

/* The last one of this cell; of this version and setup, unless NULL. */
const struct result *results_find(const struct results *rs,
	const struct cell *c, const char *version, const char *setup);
