#pragma once
/*
 * Purging: here, and at all peers that are up. Between nodes a purge is a
 * frame, whose payload is
 *
 *	kind (1)  soft (1)  what
 */
#include "base/buf.h"
#include "cache/store.h"
#include "proxy/worker.h"

struct purge_report {
	size_t objects; /* of this node */
	size_t peers;	/* that were told */
};

struct purge_report purge_all(struct worker *w, const struct purge *p);

void purge_put(const struct purge *p, struct buf *out);
/* False when it is none; slices are borrowed from payload. */
bool purge_parse(struct str payload, struct purge *out);
