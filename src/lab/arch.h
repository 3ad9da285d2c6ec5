#pragma once
/*
 * Architectures: who balances, who routes and who caches, in a lab.
 *
 * What differs from one to the next is in a row of arch.c's table, and what a
 * foreign program needs in a file of its own (haproxy.c, varnish.c, ...). The
 * same in all: the links, the origin, the cache's memory, keep-alive on all
 * sides, and that clients ask the virtual address, on port 80.
 *
 * With a front (conventional, haproxy) the balancer's host runs a layer-7
 * balancer, which has the VIP, and all answers cross its link; the nodes' hosts
 * only cache. Without, that host runs `sevenfold balancer`, direct routing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct lab_options;

struct arch {
	const char *name;  /* as of `lab up --arch` */
	const char *about; /* a line for people */
	/* What runs at the VIP and on each node: see daemon.h. */
	const struct daemon *balancer, *node;
	bool squid; /* a Squid behind each node, whatever lab_options.squid is
		     */
	/* lab_options.policy may be given, and is hrw if not; else it must be
	 * NULL. */
	bool policies;
	bool handoff; /* the same of lab_options.handoff */
	/* Lines for the cluster's block of sevenfold.conf; "" without. */
	const char *params;
	/* Each node is a cluster of its own, which answers everything. */
	bool alone;
	/* An object is stored by one node only, whoever is asked for it (with
	 * any policy but rr). */
	bool one_copy;
	bool front; /* see above */
	/* Figures may be so old; wait that long after the last request. */
	unsigned lag_ms;
};

/* In the order of the manual; NULL past the last. */
const struct arch *arch_at(size_t i);
/* NULL: there is none of that name. */
const struct arch *arch_find(const char *name);
extern const struct arch arch_sevenfold; /* what a lab is, if not told */

/* 0, or -EINVAL with a message that says which option the architecture can't
 * have. */
int arch_check(const struct lab_options *o);

/* Event loops or threads of each program: lab_options.workers, or what they
 * are if that is 0. */
unsigned lab_workers(const struct lab_options *o);

/* What a host has done since its daemons were started. */
struct lab_stats {
	/* Of a node: requests that its cache answered, with the origin's help
	 * or without. Over all nodes, each of the clients' requests counts
	 * once, whoever passed it on. Of a front: requests passed on. */
	uint64_t requests;
	uint64_t hits;	  /* of these, without asking the origin */
	uint64_t objects; /* in the cache, now */
	/* ... and their bytes, as the program counts them: with heads in most
	 * of them. 0 if it does not say (Varnish: with its own overhead). */
	uint64_t bytes;
	/* That all processes in the host have run, to 10 ms; its kernel's part
	 * counts where the kernel happens to do it. */
	uint64_t cpu_ns;
};

/* host: "balancer" or "n1", ..., of a lab that is up. Asks the host's daemons
 * themselves, so it takes some milliseconds and is no way to follow what lasts
 * less than a second. 0, -ENOENT (no such host or daemon), or -EIO (no answer
 * in 2 s), with a message. */
int lab_arch_stats(const char *host, struct lab_stats *out);
