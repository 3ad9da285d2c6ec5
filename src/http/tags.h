#pragma once
/*
 * The tags by which a response can be purged, in its stored fields (see
 * http/fields.h): Cache-Tag separates them by commas, Surrogate-Key by blanks.
 * They are compared byte by byte.
 */
#include "base/str.h"

struct tags {
	struct str fields; /* those not yet looked at */
	struct str rest;   /* of the value of one */
	char separator;
};

/* For the fields; slices that tags_next() gives are borrowed from them. */
struct tags tags_in(struct str fields);
/* False when no other tag comes. */
bool tags_next(struct tags *t, struct str *tag);
bool tags_have(struct str fields, struct str tag);
