#pragma once
/*
 * struct origin: one of the web servers of a site, and how it fares. What one
 * worker finds out about it spares the others, so all share it; they read it
 * for each choice, and write it only when something fails, or stops failing.
 *
 *	         three failures in a row
 *	  UP ──────────────────────────────► OUT for a second
 *	   ▲                                  │ then one request tries it
 *	   └───────── it answered ────────────┤
 *	                                      └► failed: OUT for twice as long,
 *	                                         30 seconds at most
 *
 * A failure is a connection that can't be had or that brings no answer; any
 * answer, be it 500, is none. Apart from that, checks (probe.h) make an origin
 * DOWN, and UP again.
 *
 * Among the origins that are well the choice is nginx's smooth weighted round
 * robin: exact after each sum of weights requests, without runs on the heavy
 * ones, and as it knows nothing but its own turns, each worker takes its own.
 * Two random choices would want to know the load, which one node of several
 * sees only its own part of.
 */
#include "l4/health.h"
#include "proxy/node.h"

#include <pthread.h>
#include <stdatomic.h>

enum origin_state { ORIGIN_UP, ORIGIN_OUT, ORIGIN_DOWN };

struct origin {
	const struct node_origin *config; /* borrowed */
	const struct node_site *site;	  /* borrowed */
	/* Guards changes of what follows, so that two workers make and log one
	 * change of two; reading takes none. */
	pthread_mutex_t lock;
	_Atomic unsigned failures;     /* in a row */
	_Atomic uint64_t failed_ns;    /* the last of them; 0: none yet */
	_Atomic uint64_t out_until_ns; /* 0: not out */
	_Atomic bool down;
	uint64_t backoff_ns;	    /* of this time out */
	bool tried;		    /* a request is trying it */
	struct health_count checks; /* the prober's alone */
};

/* The origins of a site. */
struct origins {
	struct origin *v; /* owned */
	size_t n;	  /* >= 1 */
};

void origins_init(struct origins *o, const struct node_site *site);
void origins_fini(struct origins *o);

/* The one to ask now. turns: of the worker, for this site, n numbers that
 * start as 0. tried: a bit for each that the request has been at; if there is
 * none yet, and no origin is well, it gets the one that failed longest ago;
 * else NULL when no other is well. */
struct origin *
origins_choose(struct origins *o, int *turns, uint64_t tried, uint64_t now_ns);

/* A connection could not be had, or brought no answer. why: for the log. */
void origin_failed(struct origin *o, uint64_t now_ns, const char *why);
void origin_answered(struct origin *o); /* whatever it said */
/* A check's result; why: what was wrong, NULL if nothing. */
void origin_checked(struct origin *o, uint64_t now_ns, const char *why);

enum origin_state origin_state(const struct origin *o);
const char *origin_state_name(enum origin_state s);
