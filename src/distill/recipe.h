#pragma once
/*
 * What becomes of a response for a class of clients: the order for the
 * distiller, and the head that goes with the result. Fields are as in
 * http/fields.h.
 */
#include "base/buf.h"
#include "distill/class.h"

/* What the class's clients get of a 200 response with these fields and a body
 * of so many bytes (-1: not known yet). False: the original. The order lacks
 * its id and, if they are not known, its bytes. */
bool recipe_of(const struct class *c, const struct distill_rules *rules,
	struct str fields, int64_t bytes, struct order *out);

/* Appends what tells orders apart, for keys: "br", "webp,avif-640-75". */
void recipe_put_name(const struct order *o, struct buf *out);

/* The request's fields that a response with these fields depends on, as a field
 * line; empty if it doesn't. */
struct str recipe_vary(const struct distill_rules *rules, struct str fields);

/* Appends what distinguishes the result from the original, of which the fields
 * are given: Content-Type or Content-Encoding, and an ETag of its own. */
void recipe_put_own(const struct order *o, enum image_type type,
	struct str fields, uint64_t hash, struct buf *out);
/* Appends the original's fields, as they are for that result: own's in place
 * of those of the same name, and nothing that speaks of other bytes. */
void recipe_put_fields(struct str original, struct str own, struct buf *out);
