#pragma once
/*
 * struct gather: writes an answer together from the parts of a response that
 * are stored, or on their way, or that it fetches (proxy/segment.h): a range
 * of it, or all. It frees itself.
 */
#include "proxy/exchange.h"

/* Whose key has parts, in the store: a reference of the caller's; NULL when
 * there are none, or they are not fresh. mark: there are none, and this origin
 * is not to be asked for any. */
struct object *gather_manifest(struct exchange *x, bool *mark);

/* Is it about a range that is worth fetching by parts? *at: where it begins,
 * as far as that is known. */
bool gather_wants(const struct exchange *x, uint64_t *at);

/* Are all parts stored that are needed to answer? */
bool gather_is_stored(struct exchange *x, const struct object *manifest);

/* The flight that brings what x asks for of the manifest's response: a
 * reference of the caller's. */
struct flight *gather_start(struct exchange *x, struct object *manifest);
