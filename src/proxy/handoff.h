#pragma once
/*
 * struct handoff: what a node needs to move connections to other nodes and to
 * take them: rights, the steering of packets, a secret. One per node, for all
 * its workers.
 */
#include "handoff/steer.h"
#include "proxy/exchange.h"
#include "proxy/herald.h"
#include "proxy/tenure.h"

struct handoff {
	struct steer *steer;	 /* owned */
	struct tenures *tenures; /* owned */
	struct hearers *hearers; /* owned; NULL: nobody can be told */
	struct source park;	 /* watched by the first worker */
	struct timer timer;	 /* ... who also collects, and looks around */
	struct worker *first;
	uint64_t looked_ns, ran_ns,
		waited_ns; /* our threads' time, when it last looked */
	uint64_t machine_all, machine_idle; /* the same of its processors */
	_Atomic uint64_t threshold_bytes, patience_ns;
};

/* NULL when connections can't be moved, or shall not: it has logged why. */
struct handoff *handoff_open(const struct node_config *config);
/* Has the first worker look after it. Negative errno. */
int handoff_watch(struct handoff *h, struct worker *first);
void handoff_unwatch(struct handoff *h); /* NULL is fine */
void handoff_close(struct handoff *h);	 /* NULL is fine */

/* Is it a connection to the virtual address? */
bool
handoff_is_ours(const struct node_config *config, const struct snapshot *s);
/* From which size of an answer on a connection should move. */
uint64_t handoff_threshold(const struct worker *w);
/* How long the other node may take to say that it has a connection. */
uint64_t handoff_patience_ns(const struct worker *w);
/* The answer to x is that large. Harmless without hand-off. */
void handoff_learn(struct exchange *x, uint64_t bytes);
/* Should x's connection move at once? streak: that many requests on it in a row
 * had the same owner. */
bool handoff_is_due(const struct exchange *x, unsigned streak);

/* Why a connection that could have been moved was not, or not for good. */
enum handoff_reason {
#define REASON(name, text) HANDOFF_##name,
#include "proxy/handoff_reasons.def"
#undef REASON
	HANDOFF_REASONS,
};
void handoff_count(struct worker *w, enum handoff_reason r);
