#pragma once
/*
 * struct worker: a thread, its loop, and all that lives on it: client
 * connections, the channels to and from peers, idle connections to origins.
 * Nothing of it is touched by another thread, but for its counters (read) and
 * wakes (posted).
 */
#include "base/buf.h"
#include "net/dns.h"
#include "net/loop.h"
#include "proxy/node.h"

#include <pthread.h>

struct advice;
struct distiller;
struct exchange;
struct handover;
struct herald;
struct peer;
struct tally;
struct upstream;

enum {
	POOL_BUCKETS = 64,
	WORKER_FRAMES_BYTES = 640 * 1024,
	WORKER_WAITING = 1024,
	SPARE_BUFS = 64,
	SPARE_REQUESTS = 256,
	SPARE_EXCHANGES = 256,
};

/* Empty ones, for whoever needs one next. */
struct spare_bufs {
	struct buf v[SPARE_BUFS]; /* owned */
	unsigned n;
};

struct worker {
	struct node *node; /* borrowed */
	unsigned index;
	pthread_t thread;
	struct loop *loop;
	struct resolver *resolver;
	struct source clients, clients6, inbound; /* listeners */
	struct peer *peers[VIEW_MAX_NODES]; /* by index; NULL for ourselves */
	struct list conns;		    /* struct conn */
	struct request *requests[SPARE_REQUESTS]; /* owned: spare */
	unsigned nrequests;
	struct spare_bufs spare_in, spare_out; /* of requests */
	unsigned nstaying;		       /* see request_wait() */
	struct list unsent; /* struct request: their answers are put off */
	unsigned nunsent;
	struct task send_unsent; /* ... at most to the end of the turn */
	struct list yielding;	 /* struct request: it's others' turn first */
	struct timer go_on;	 /* ... and then theirs */
	struct exchange *exchanges[SPARE_EXCHANGES]; /* owned: spare */
	unsigned nexchanges;
	struct exchange *answering; /* see exchange_answer() */
	struct list channels;	    /* struct channel */
	char *frames;		    /* owned: see read_some() of channel.c */
	struct list fetches;	    /* struct fetch */
	struct list fills;	    /* struct fill */
	struct list gathers;	    /* struct gather */
	struct list purges;	    /* struct purging */
	struct list pool[POOL_BUCKETS]; /* struct pool, of idle upstreams */
	struct distiller *distiller;	/* owned */
	int **turns;			/* by site: see origins_choose() */
	struct list probes;		/* struct probe; of the first worker */
	struct counters counters;
	struct advice *advice;	      /* owned; NULL: no connection is moved */
	struct herald *herald;	      /* owned; NULL with advice */
	_Atomic uint64_t *stayed;     /* owned: by enum handoff_reason */
	_Atomic uint64_t connections; /* of clients, now */
	_Atomic uint64_t answers;  /* exchanges that are answered here, now */
	struct tally *tally;	   /* owned: what is counted for heat.h */
	struct handover *handover; /* owned; the first worker's, or NULL */
	uint64_t random;	   /* of owner.c */
	/* Requests of clients that wait for another node's word, by key. */
	uint16_t waiting[WORKER_WAITING];
	unsigned nwaiting;
	struct wake members;	   /* posted by anybody: there are new ones,
				      or news of them is to be told */
	struct timer accept_timer; /* to try again: no descriptor was free */
	struct timer settle_timer; /* until the peers have been dialled */
	uint64_t settle_by_ns;
	struct wake stop; /* posted by anybody: stop accepting; the loop stops
			     when the last client has its answer, or at the
			     deadline */
	struct timer stop_timer;
	bool stopping;
};

/* Listens for peers, dials them, and then lets clients in. NULL when it can't:
 * it has logged why. If it is only then that it can't, the node ends. */
struct worker *worker_new(struct node *n, unsigned index);
/* Ends all that is under way; its loop has stopped, but other workers may
 * still have something to tell to it. */
void worker_end_all(struct worker *w);
/* After every worker's worker_end_all(). NULL is fine. */
void worker_free(struct worker *w);
/* All workers end as by their `stop`. Any thread. */
void worker_stop_all(struct node *n);
/* The roster has changed: all workers look, in their own time. Any thread. */
void worker_members_changed(struct node *n);
/* A client's connection has ended: perhaps the last one. */
void worker_conn_gone(struct worker *w);
