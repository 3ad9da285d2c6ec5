#pragma once
/*
 * struct handoff: what a node needs to move connections to other nodes and to
 * take them: rights, the steering of packets, a secret. One per node, for all
 * its workers.
 */
#include "handoff/steer.h"
#include "proxy/worker.h"

struct handoff {
	struct steer *steer; /* owned */
	struct source park;  /* watched by the first worker */
	struct timer timer;  /* ... who also collects */
	struct worker *first;
};

/* NULL when connections can't be moved, or shall not: it has logged why. */
struct handoff *handoff_open(const struct node_config *config);
/* Has the first worker look after it. Negative errno. */
int handoff_watch(struct handoff *h, struct worker *first);
void handoff_unwatch(struct handoff *h); /* NULL is fine */
void handoff_close(struct handoff *h);	 /* NULL is fine */

/* Why a connection that could have been moved was not, or not for good. */
enum handoff_reason {
#define REASON(name, text) HANDOFF_##name,
#include "proxy/handoff_reasons.def"
#undef REASON
	HANDOFF_REASONS,
};
void handoff_count(struct worker *w, enum handoff_reason r);
