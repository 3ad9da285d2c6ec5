#pragma once
/*
 * struct tenures: the connections that other nodes gave to this one, for as
 * long as they are here. Those that have lasted for a while are numbered, so
 * that the balancer can ask for what is new to it (handoff/claims.h); short
 * ones, which are most, end before anybody hears of them. One per node; any
 * thread may call these.
 */
#include "handoff/claims.h"

struct tenures;
struct tenure; /* of one connection */

struct tenures *tenures_new(void);
void tenures_free(struct tenures *ts); /* NULL is fine */

struct tenure *
tenure_begin(struct tenures *ts, const struct claim *c, uint64_t now_ns);
/* It has ended, or was given to somebody else. NULL is fine. */
void tenure_end(struct tenures *ts, struct tenure *t);

/* For what is told before it has lasted (handoff/notice.h): larger than all so
 * far. */
uint64_t tenures_number(struct tenures *ts);
/* What has lasted and has a number above `since`, the oldest first, as far as
 * there is room; out->last is that of the last one. */
void tenures_claim(struct tenures *ts, uint64_t since, uint64_t now_ns,
	struct claims *out);
