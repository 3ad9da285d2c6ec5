#pragma once
/*
 * struct hotset: the keys that are hot, how many nodes hold each, and which
 * part of its requests each of those answers. Immutable; each is made from the
 * one before. Pure.
 *
 * How many hold a key is for its owner to say, so that all nodes go by the same
 * number; but for a key that our own clients ask for much more than it knows
 * of, and when it can't be heard.
 */
#include "placement/spread.h"

enum { HOTSET_COOL = 4 }; /* sets in a row before a key is narrowed */

struct hot {
	struct place_key key;
	double share; /* of all work */
	uint8_t r;    /* nodes that hold it, over 1 */
	uint8_t cool; /* sets for which fewer would have done */
	bool ours;    /* to decide on */
	/* Of the requests that we have from clients, so much is for ourselves;
	 * and so many of all requests each other node wants beside those that
	 * it has from clients. */
	float own, wanted[VIEW_MAX_NODES];
};

struct hotset {
	size_t n;
	struct hot v[]; /* by hash */
};

/* NULL: it is not among them; s NULL is empty. */
const struct hot *hotset_find(const struct hotset *s, uint64_t hash);
/* From what keys are asked for now, each once; what s says of r and parts is
 * written. before: NULL is empty. extra: the copies more than one of each that
 * there may be; what is yet to be narrowed counts, too. To be freed. */
struct hotset *
hotset_next(const struct hotset *before, struct spread *s, double extra);
double hotset_extra(const struct hotset *s); /* copies beyond the first */

/* Its parts, of any unit, by place in the ranking. Each node answers as much as
 * it may of what its own clients ask for, for that is one hop less; what is
 * left goes to those who have less than that, in proportion. */
void hot_share_out(
	struct hot *h, const struct spread *s, const struct spread_row *row);
/* Who is to answer a request for h that we have from a client, of the first r
 * that are fit: a place in `fit`. draw: from 0 to 1, excluding 1. */
size_t hot_choose(const struct hot *h, const uint8_t *fit, size_t r,
	size_t self, double draw);
