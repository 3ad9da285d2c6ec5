#pragma once
/*
 * struct upstream: a connection to an origin; in use by one fetch, or idle in
 * the worker's pool for its address. Idle ones are closed when the origin does
 * so, after a while, and the oldest when there are too many.
 */
#include "base/buf.h"
#include "proxy/worker.h"

struct pool;

struct upstream {
	struct source io;
	struct worker *worker; /* borrowed */
	struct in_addr addr;
	uint16_t port;
	bool connected, reused, readable, writable;
	struct buf in;
	struct pool *pool;  /* while idle; else NULL */
	struct list link;   /* in the pool */
	struct timer timer; /* runs while idle */
	struct grave grave;
	/* its user; NULL while idle */
	void *user;
	void (*on_io)(void *user);
};

/* An idle one, or a new one that is connecting. 0 or negative errno. */
int upstream_get(struct worker *w, struct in_addr addr, uint16_t port,
	bool fresh_only, struct upstream **out);
/* Has nothing come? Whatever an origin says unasked would be taken for the next
 * answer. */
bool upstream_is_quiet(const struct upstream *u);
/* Back to the pool, clean: all of the last response was read. */
void upstream_put(struct upstream *u);
void upstream_close(struct upstream *u); /* NULL is fine */
void upstream_close_idle(struct worker *w);
