#pragma once
/*
 * Purging: here, and at all peers that are up. Between nodes a purge is a
 * frame, whose payload is
 *
 *	kind (1)  soft (1)  what
 *
 * and on the admin socket it is a line,
 *
 *	purge hard|soft url|prefix|tag WHAT
 */
#include "base/buf.h"
#include "cache/store.h"
#include "proxy/worker.h"

struct purge_report {
	size_t objects; /* of this node */
	size_t told;	/* peers */
	size_t missed;	/* peers that are down */
};

/* A key, at once. */
void purge_key(struct worker *w, struct str key);

typedef void (*purge_done_fn)(void *ctx, const struct purge_report *r);

/* Anything: bit by bit, so that the loop goes on; copied. on_done (NULL: nobody
 * asks) may be called before this returns, and is not when the worker ends. */
void purge_start(struct worker *w, const struct purge *p, purge_done_fn on_done,
	void *ctx);
/* The same, but here only. */
void purge_start_here(struct worker *w, const struct purge *p);
/* For the worker's end: gives up what is still under way. */
void purge_abort_all(struct worker *w);

void purge_put(const struct purge *p, struct buf *out);
/* False when it is none; slices are borrowed from payload. */
bool purge_parse(struct str payload, struct purge *out);

/* What is behind "purge". NULL, or what is wrong with it. *out borrows from
 * args, or from key, to which a URL is appended as its key. */
const char *
purge_parse_line(struct str args, struct buf *key, struct purge *out);
