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

enum purge_outcome {
	PURGE_UNASKED, /* it is no other node of the cluster */
	PURGE_PENDING,
	PURGE_DONE,
	PURGE_DOWN, /* it will be told when it is back */
	PURGE_LOST, /* the same: it went before it answered */
};

struct purge_report {
	size_t objects; /* of this node */
	/* by member */
	struct {
		enum purge_outcome outcome;
		uint64_t objects; /* DONE */
	} peers[VIEW_MAX_NODES];
};

/* A key, at once. */
void purge_key(struct worker *w, struct str key);

typedef void (*purge_done_fn)(void *ctx, const struct purge_report *r);

/* Anything: bit by bit, so that the loop goes on; copied. on_done is called
 * when all peers that are up have done it, too, or are lost; perhaps before
 * this returns; and not when the worker ends. */
void purge_start(struct worker *w, const struct purge *p, purge_done_fn on_done,
	void *ctx);
/* The same, but here only: for a peer. */
void purge_start_here(struct worker *w, const struct purge *p,
	purge_done_fn on_done, void *ctx);
/* That peer is up: it is told what it was not told when it was away. */
void purge_resend(struct worker *w, size_t peer);
/* For the worker's end: gives up what is still under way. */
void purge_abort_all(struct worker *w);

void purge_put(const struct purge *p, struct buf *out);
/* False when it is none; slices are borrowed from payload. */
bool purge_parse(struct str payload, struct purge *out);

/* What is behind "purge". NULL, or what is wrong with it. *out borrows from
 * args, or from key, to which a URL is appended as its key. */
const char *
purge_parse_line(struct str args, struct buf *key, struct purge *out);
