#pragma once
/*
 * struct shape: what a client gets of a response that is whole: all of it, the
 * parts that Range asks for, or, as its conditions say, only that it has it
 * already or that they do not hold (RFC 9110, 13 and 14).
 */
#include "http/validators.h"
#include "proxy/exchange.h"

/* Which of the response's fields go with an answer. */
enum shape_fields {
	SHAPE_ALL,
	SHAPE_NO_TYPE,
	SHAPE_304_DATED, /* its Last-Modified is its only validator */
	SHAPE_304,
	SHAPE_DATE
};

struct shape {
	unsigned status;
	int64_t length;	  /* of what follows the head; -1: not known */
	struct str added; /* field lines, in the exchange's arena */
	enum shape_fields fields;
};

/* x is READY. Sets what x->content gives, of which nothing has been taken. */
void shape_answer(struct exchange *x, struct shape *out);
/* Will none of a whole response of that length be sent? */
bool shape_is_empty(
	const struct exchange *x, const struct validators *v, uint64_t length);
/* Appends the response's fields that go with it. */
void
shape_put_fields(const struct shape *s, struct str fields, struct buf *out);
