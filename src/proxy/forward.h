#pragma once
/*
 * Messages as they are passed on: fields that end here left out, ours added.
 */
#include "base/buf.h"
#include "proxy/exchange.h"

enum forward_to {
	TO_ORIGIN,	     /* past the cache: as the client asked */
	TO_ORIGIN_FOR_CACHE, /* a whole, unconditional GET of what the key
				names, whatever part of it the client asked
				for and however it was written */
	TO_PEER,	     /* as the client asked, target as written */
	TO_FILL,	/* to a peer as TO_ORIGIN_FOR_CACHE; x->part of it */
	TO_FILL_CACHED, /* ... for what is stored only */
};

/* The request line and fields, but for what frames the body and the empty
 * line at the end. */
void
forward_request(const struct exchange *x, enum forward_to to, struct buf *out);
enum forward_part {
	FORWARD_ALL,	  /* of what is not stored: it keeps its Age */
	FORWARD_KEPT,	  /* of what is: what anybody may have */
	FORWARD_WITHHELD, /* ... and what only the first who asks may have */
};

/* The fields of a response (struct response), as text. */
void
forward_fields(const struct head *h, enum forward_part part, struct buf *out);
/* The fields of a 101, and what it switches to. */
void forward_switch(const struct head *h, struct buf *out);
/* An interim answer, whole. A 100 is said in our own words. */
void forward_interim(const struct head *h, struct str via, struct buf *out);
