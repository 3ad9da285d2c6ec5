#pragma once
/*
 * struct fill: a fetch for the cache that is made of a peer, who may have the
 * answer: of the key's owner, by a node that holds the key as well, or stands
 * in; or of its previous owner, who is asked for what he has stored only. When
 * nothing comes of it, the origin is asked after all. It frees itself.
 *
 * A peer answers a fill himself, whatever he thinks who owns the key, and never
 * fills for it: so this is one step beside a request's two hops, not a third
 * one that could go on. There are several previous owners to ask, one after
 * another, where several nodes have just started.
 */
#include "proxy/fetch.h"

/* As fetch_start(), of whoever is best asked. */
void fill_or_fetch(struct exchange *x, const struct fetch_order *order);
/* For the worker's end: gives up what is still under way. */
void fill_abort_all(struct worker *w);
