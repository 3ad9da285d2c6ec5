#pragma once
/*
 * struct probe: the checks of one origin, where its site asks for them. The
 * first worker makes them, for all: a new connection each, one GET, and an
 * answer of 200 to 399 within the interval is well.
 */
#include "proxy/worker.h"

/* Of all origins to be checked; the first checks begin at once. */
void probe_start_all(struct worker *w);
void probe_stop_all(struct worker *w);
