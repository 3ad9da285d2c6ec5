#pragma once
/*
 * For the files of owner.h only: owner.c has its answers, owner_fit.c says who
 * is fit to be asked, owner_choose.c which of these it is. All of it in
 * sections of base/epoch.h.
 */
#include "placement/hotset.h"
#include "proxy/membership.h"
#include "proxy/owner.h"

/* Members, best first. */
struct ranked {
	uint8_t member[VIEW_MAX_NODES];
	size_t n;
};

/* --- owner_fit.c ---------------------------------------------------------- */
/* Has i started less than the warm-up ago? */
bool owner_is_young(const struct worker *w, size_t i);
/* Was another one there before b started, so long that everybody sees it? */
bool owner_has_elder(const struct worker *w, const struct places *p, size_t b);
/* For how long the key is i's, if i is its owner now: since i started, and its
 * ramp came that far; for ever, if nobody was there before i. */
double owner_held_ns(
	const struct worker *w, const struct places *p, size_t i, uint64_t key);
/* See owner_is_ramping(); ahead_ns: as it will be then. */
bool owner_is_ramping_at(const struct worker *w, const struct places *p,
	size_t i, uint64_t key, uint64_t ahead_ns);
/* Could i be asked, had it the key? */
bool owner_can_be_asked(const struct exchange *x, size_t i);
bool owner_is_fit(const struct exchange *x, const struct places *p, size_t i,
	uint64_t key);
/* Those of the first `most` of the place's ranking who are fit; of all, if
 * there is none. */
void owner_rank_fit(const struct exchange *x, const struct places *p,
	size_t place, size_t most, struct ranked *out);

/* --- owner_choose.c ------------------------------------------------------- */
/* The first in the ranking who is not full, if `chosen` is. Of them all, r are
 * to hold the key. */
size_t owner_not_full(const struct worker *w, const struct ranked *all,
	size_t r, size_t chosen);
/* One of those, when it is hot. */
size_t owner_choose(struct worker *w, const struct hot *hot,
	const struct ranked *all, size_t r);
