#pragma once
/*
 * struct purge_log: the last purges that this node did, whoever asked for them,
 * and from which one on each peer has missed some: so that a node that was away
 * is told when it is back, and does not bring back what was purged meanwhile.
 * All threads.
 */
#include "cache/store.h"
#include "placement/view.h"

struct purge_log;

struct purge_log *purge_log_new(void);
void purge_log_free(struct purge_log *l); /* NULL is fine */

/* Copied; its number. */
uint64_t purge_log_add(struct purge_log *l, const struct purge *p);
void purge_log_missed(struct purge_log *l, size_t peer, uint64_t number);

typedef void (*purge_log_fn)(void *ctx, const struct purge *p, uint64_t number);

/* Calls fn for each that the peer has missed, and takes it that it is told now.
 * If some of them are too long ago to be known, fn is called for one purge of
 * everything instead. */
void purge_log_take_missed(
	struct purge_log *l, size_t peer, purge_log_fn fn, void *ctx);
