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
	TO_FILL,	     /* to a peer as TO_ORIGIN_FOR_CACHE, by the key;
				x->part of it */
	TO_FILL_CACHED,	     /* ... for what is stored only */
};

/* The request line and fields, but for what frames the body and the empty
 * line at the end. */
void
forward_request(const struct exchange *x, enum forward_to to, struct buf *out);
/* The fields of a response (struct response), as text. Of one that is not
 * stored all of them, its Age too; of one that is, those that anybody may have,
 * and those that only the first who asks may have. */
void forward_fields(const struct head *h, bool stored, struct buf *fields,
	struct buf *withheld);
/* The fields of a 101, and what it switches to. */
void forward_switch(const struct head *h, struct buf *out);
/* An interim answer, whole. A 100 is said in our own words. */
void forward_interim(const struct head *h, struct str via, struct buf *out);
