#pragma once
/*
 * Parts of a content (RFC 9110, 14): what Range asks for, which parts that
 * means once the complete length is known, and Content-Range in both
 * directions. The only unit is bytes. Lengths are at most INT64_MAX, as those
 * of frames are.
 */
#include "base/buf.h"
#include "http/head.h"

enum {
	RANGE_MAX_ASKED = 32, /* in a request; more is no honest one */
	RANGE_MAX_PARTS = 16, /* in an answer */
};

struct range {
	uint64_t first;
	uint64_t last; /* included; not before first */
};

static inline uint64_t
range_length(struct range r)
{
	return r.last - r.first + 1;
}

/* What a request asks for, whatever the length. */
struct range_asked {
	uint64_t first; /* or, of a suffix, how many bytes at the end */
	uint64_t last;	/* UINT64_MAX: to the end */
	bool is_suffix;
};

struct range_set {
	unsigned n; /* at least 1 */
	struct range_asked v[RANGE_MAX_ASKED];
};

/* The Range of a GET, if it is to be obeyed. False when there is none, or it
 * is to be ignored: another method or unit, bad syntax, last before first, too
 * many. Whether If-Range holds is precondition_if_range()'s business. */
bool range_asked(const struct head *request, struct range_set *out);

struct range_parts {
	unsigned n; /* at least 1 */
	struct range v[RANGE_MAX_PARTS];
};

enum range_result {
	RANGE_PARTS,	     /* 206 */
	RANGE_WHOLE,	     /* 200: too many parts */
	RANGE_UNSATISFIABLE, /* 416 */
};

/* The parts of a content of that length that are asked for: those that overlap
 * or touch are joined, those beyond the end left out, in the order asked for.
 * *out means something if RANGE_PARTS only. */
enum range_result range_resolve(
	const struct range_set *set, uint64_t length, struct range_parts *out);

struct content_range {
	bool satisfied; /* part is there; if not, it is "*" followed by length
			 */
	bool counted;	/* length is there; always if not satisfied */
	struct range part;
	uint64_t length;
};

/* The value of Content-Range. False when it is not valid: syntax, unit, last
 * before first, or a part that does not lie within the length. */
bool range_parse_content(struct str value, struct content_range *out);

/* Appends "bytes 0-9/100" or "bytes * /100" (without the blank). */
void range_put_content(struct range part, uint64_t length, struct buf *out);
void range_put_unsatisfied(uint64_t length, struct buf *out);
