#pragma once
/*
 * Fields as text: "Name: value\r\n" again and again, which is how the head of
 * a stored response is kept. We wrote it, so names and values hold no line
 * ends; a line without a name is passed over.
 */
#include "base/buf.h"
#include "http/head.h"

/* Takes the first field out of *rest; slices are borrowed from it. False when
 * none is left. */
bool fields_next(struct str *rest, struct field *out);

/* Appends one field. */
void fields_put(struct str name, struct str value, struct buf *out);

/* A response head of that status with these fields, borrowed. False, and *out
 * means nothing, when there are more than a head can have. */
bool fields_to_head(struct str fields, unsigned status, struct head *out);

/*
 * The stored fields, brought up to date by a 304 or by the answer to a HEAD
 * that validators_match() or _match_head() accepted (RFC 9111, 3.2), appended
 * to out: each field of the update takes the place of all stored ones of its
 * name. Left as stored is what is true of the bytes that we keep: the fields
 * Content-Encoding, -Length, -Range and ETag. Not taken over are fields that
 * end here or that cachectl_withholds(), Age, and Set-Cookie, which is for
 * whoever asked.
 */
void
fields_update(struct str stored, const struct head *update, struct buf *out);
