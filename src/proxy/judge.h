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

/* What a 304 makes of what is stored; NULL when it speaks of something else.
 * *storable: may it be stored again? */
struct object *judge_renewed(const struct judge_case *c,
	const struct object *stored, bool *storable);

/* Appends the conditions under which the origin need not send again what is
 * stored. False: there are none. */
bool judge_conditions(const struct object *stored, struct buf *out);
