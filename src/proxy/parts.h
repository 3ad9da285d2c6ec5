#pragma once
/*
 * How an exchange is answered by parts of what is not stored as a whole: of
 * those that are stored or will be (proxy/segment.h), a struct gather makes the
 * answer. Which parts there are, their manifest says; when there is none, the
 * part in which the range begins is fetched first, and brings it.
 */
#include <stdbool.h>

struct exchange;

/* False, and nothing done: it is not to be answered so. */
bool parts_serve(struct exchange *x);
/* The first part has come: there is a manifest now, if it is to be kept. */
void parts_go_on(struct exchange *x);
