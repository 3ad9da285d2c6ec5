#pragma once
/*
 * struct fetch: one request to an origin, whose response flies to its readers.
 * A fetch for the cache goes on when its readers leave; one that is for a
 * single reader ends with him. It frees itself.
 */
#include "proxy/exchange.h"

/* Fills x->flight. for_cache: a whole, unconditional GET, stored under the
 * key if the response allows; else the request as the client made it, with
 * x->upload as its body. */
void fetch_start(struct exchange *x, bool for_cache);
/* For the worker's end: gives up what is still under way. */
struct fetch;
void fetch_abort_all(struct worker *w);
