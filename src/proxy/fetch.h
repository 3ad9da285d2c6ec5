#pragma once
/*
 * struct fetch: one request to an origin, whose response flies to its readers.
 * A fetch for the cache goes on when its readers leave; one that is for a
 * single reader ends with him. It frees itself.
 */
#include "proxy/exchange.h"

enum fetch_mode {
	FETCH_PASS, /* the request as the client made it, with x->upload */
	FETCH_KEEP, /* a whole GET of what the key names, stored if the
		       response allows */
	FETCH_PART, /* ... of one part of it: see segment.h */
};

struct fetch_order {
	struct flight *flight; /* to be filled */
	enum fetch_mode mode;
	struct object *stale; /* KEEP: what is stored, to be validated, or
				 NULL */
	struct range part;    /* PART: which one */
};

/* The exchange is read now only. */
void fetch_start(struct exchange *x, const struct fetch_order *order);
/* For the worker's end: gives up what is still under way. */
void fetch_abort_all(struct worker *w);
