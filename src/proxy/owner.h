#pragma once
/*
 * Whom to ask for a key: the ranking of its place, made to fit what is known
 * of the nodes just now. All here is one worker's own view, and right for it
 * alone: two that see things differently ask different nodes for a moment, and
 * whoever is asked answers.
 *
 * Passed over are: peers that are down or have just come back from flapping
 * (placement/damp.h); those that this exchange has lost already; for a part of
 * the keys, those that have just started (ramp); and those that have much more
 * to do than the others (bound).
 */
#include "proxy/exchange.h"

/* The peer whose index is then in x->owner, or NULL: ourselves. */
struct peer *owner_find(struct exchange *x);

/* Who may have what we are about to fetch, its index in *index: NULL when there
 * is nobody to ask before the origin. cached_only: he did own it, and is asked
 * for what he has only; or else he owns it now, and fetches it for all. */
struct peer *owner_source(struct exchange *x, size_t *index, bool *cached_only);

/* A peer asks us about a key that is for us to give away (ht_rr, shared), and
 * it is another's: his index, or -1. */
int owner_elsewhere(struct exchange *x);
/* A peer says that key is this one's. */
void owner_learn(struct exchange *x, size_t index);

/* Is this one of the members whose share is still growing, and the key not in
 * it yet? */
bool owner_is_ramping(const struct worker *w, size_t index, uint64_t key);

/* For people: the ranking, as indexes of members; and how many of the first are
 * to hold the key. */
size_t
owner_ranking(struct worker *w, struct str key, size_t place, uint8_t *out);

/* By what name the key is counted that has its ranking in that place. */
uint64_t owner_hash(struct str key, size_t place);
/* Where x's key is placed, once its route is known. */
void owner_place(struct exchange *x);
