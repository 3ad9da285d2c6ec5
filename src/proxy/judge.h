#pragma once
/*
 * What becomes of the head of a response to a fetch for the cache. Pure: bytes
 * in, a judgement out.
 */
#include "base/buf.h"
#include "cache/object.h"
#include "http/frame.h"

struct judge_case {
	struct str request; /* as sent to the origin */
	const struct head *response;
	struct frame frame; /* of the response */
	int64_t asked_at_s; /* wall clock */
	int64_t arrived_at_s;
	uint64_t object_max_bytes;
	bool is_part; /* a 206 is judged as the 200 that it is part of */
};

struct judgement {
	struct response response; /* without its fields */
	/* Why it is not stored is in the response, not in the request: others
	 * would meet the same. */
	bool for_all;
};

void judge(const struct judge_case *c, struct judgement *out);
/* Appends what the response selects of the request as it was sent (see
 * http/vary.h). False: nothing but itself. */
bool judge_selector(const struct judge_case *c, struct buf *out);

/* Does a 304 speak of what is stored, which was asked for under its
 * conditions? */
bool judge_confirms(const struct judge_case *c, const struct object *stored);

enum judge_renewal {
	RENEWAL_NONE, /* it can't be read, or makes too much of it */
	RENEWAL_KEEP, /* stored in place of the old one */
	RENEWAL_DROP, /* not stored, nor should the old one be any longer */
	RENEWAL_ONCE, /* not stored, but that is the request's fault */
};

/* What a 304, or the answer to a HEAD, that speaks of what is stored makes of
 * it. *out is a new object, unless NONE. */
enum judge_renewal judge_renew(const struct judge_case *c,
	const struct object *stored, struct object **out);

/* Appends the conditions under which the origin need not send again what is
 * stored. False: there are none. */
bool judge_conditions(const struct object *stored, struct buf *out);
