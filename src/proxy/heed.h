#pragma once
/*
 * What a response that is passed on says about what is stored.
 */
#include "proxy/judge.h"
#include "proxy/worker.h"

/* The answer to a HEAD brings a stored response up to date, or shows that it
 * is out of date (RFC 9111, 4.3.5). */
void heed_head(struct worker *w, struct str key, const struct judge_case *c);
/* The success of an unsafe request makes what is stored for its target invalid,
 * here and at the peers (RFC 9111, 4.4). */
void heed_unsafe(struct worker *w, enum method m, struct str key,
	const struct head *response);
