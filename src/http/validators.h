#pragma once
/*
 * What tells one representation of a resource from another (RFC 9110, 8.8):
 * entity tags and the date of the last change. An entity tag is kept as
 * written, quotes, W/ and all.
 */
#include "http/head.h"

struct validators {
	struct str etag;	 /* borrowed; p is NULL when there is none */
	int64_t last_modified_s; /* since 1970; INT64_MIN when there is none */
	int64_t date_s;		 /* likewise */
};

/* What cannot be read counts as absent; the first field of a name counts. */
struct validators validators_of(const struct head *h);
/* The same from stored fields (http/fields.h). */
struct validators validators_of_fields(struct str fields);

/* RFC 9110, 8.8.3. */
bool etag_is_valid(struct str s);
bool etag_is_weak(struct str etag);
/* RFC 9110, 8.8.3.2, of valid tags. */
bool etag_same_strong(struct str a, struct str b);
bool etag_same_weak(struct str a, struct str b);
/* The next valid tag of a comma list; elements that are none are passed over.
 * False when no other comes. */
bool etag_next(struct str *rest, struct str *etag);

/* Is Last-Modified known to have changed with every change (RFC 9110,
 * 8.8.2.2)? Not when the response was made in the same minute. */
bool validators_date_is_strong(const struct validators *v);

/*
 * Does a 304 speak of the stored response (RFC 9111, 4.3.4)? Its entity tag
 * decides if it has one, a strong one by the strong comparison, else its
 * Last-Modified. A 304 without either answers a question that named the stored
 * response only, so it speaks of that.
 */
bool validators_match(
	const struct validators *stored, const struct validators *update);

/* May the answer to a HEAD update the stored response to a GET, whose body has
 * `length` bytes (RFC 9111, 4.3.5)? Not without a validator: versions may be of
 * one length. If not, the stored one is to be taken for stale. */
bool validators_match_head(const struct validators *stored, uint64_t length,
	const struct head *update);
