#pragma once
/*
 * struct content: the bytes behind the head of an answer: the whole body of a
 * response, stored or on its way, or parts of it with text between them.
 *
 * Parts of what is on its way must be in order; the bytes before each are
 * passed over as they come.
 */
#include "base/arena.h"
#include "cache/object.h"
#include "http/multipart.h"

/* Text, then bytes of the body. */
struct piece {
	struct str text;
	uint64_t first, n;
};

struct bulk;

struct content {
	const struct object *object; /* borrowed; or */
	struct flight *flight;	     /* borrowed; or */
	struct bulk *bulk;	     /* borrowed; or */
	bool is_text;		     /* the reader's; or it is of nothing */
	struct reader reader;
	const struct piece *pieces; /* in an arena; NULL: the whole body */
	size_t npieces;
	size_t at;     /* of the pieces; the first one not yet taken whole */
	uint64_t done; /* bytes taken of that one */
};

/* Its reader's on_progress is set. Whatever it was before is let go. */
void content_of_object(struct content *c, const struct object *o);
/* -ESTALE: the flight's first bytes have been let go. */
int content_of_flight(struct content *c, struct flight *f);
/* That is read past this, with bulk_send(). */
void content_of_bulk(struct content *c, struct bulk *b);
/* Borrowed, but for content_keep(). */
void content_of_text(struct content *c, struct str text);
/* The text is about to go: what is left of it is copied. */
void content_keep(struct content *c, struct arena *a);
/* Harmless when it is of nothing. */
void content_leave(struct content *c);

/* The body as far as these parts, with text around them if there is more than
 * one. Nothing has been taken yet. m->length is the body's. */
void content_parts(struct content *c, const struct range_parts *parts,
	const struct multipart *m, struct arena *a);
/* Can it be read in this order? */
bool
content_has_order(const struct content *c, const struct range_parts *parts);
/* None of it. */
void content_nothing(struct content *c);

/* Will no more come than is there? */
bool content_is_there(const struct content *c);
/* The next bytes, as up to max slices; 0 when there are none for now. */
size_t content_peek(struct content *c, struct str *slices, size_t max);
void content_advance(struct content *c, size_t n);
/* OPEN: more will come, or is there. DONE: all has been taken. FAILED: what
 * there was has been taken, and no more will come. */
enum body_state content_state(struct content *c);
