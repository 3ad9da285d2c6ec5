#pragma once
/*
 * struct spread: how the work for hot keys is spread over the nodes, so that no
 * node has more to do than its share: how many nodes of its ranking hold each
 * key, and which part of the key's requests each of them answers.
 *
 * It is a transportation problem: each node has a load that can't be moved, and
 * the load of a key may go to any of the first r of its ranking. spread_level()
 * pours it where it is lowest, key by key, again and again, until all is level;
 * spread_widen() gives nodes to keys out of a budget, each time where the
 * highest come down furthest by copy: as a key's nodes are the first of its
 * ranking, it may take several until one is among them that has room. Then it
 * takes copies back that are of little use now, and tries whether others are of
 * more. What comes of it is within a hundredth of the mean if there are copies
 * enough; and it is the same wherever the same news have been heard. Pure.
 */
#include "placement/place.h"
#include "placement/widen.h"

struct spread_row {
	struct place_key key;
	uint8_t owner[VIEW_MAX_NODES]; /* its ranking, as members */
	size_t nowners;
	unsigned was;  /* so many hold it already: these come cheaper */
	unsigned told; /* ... and are to, as its owner says; 0: it has not, or
			  we are the owner */
	bool heeded;   /* our clients say more than the owner knows yet */
	/* Out: what the owner at each place of the ranking answers of it, as a
	 * share of all work. */
	float part[VIEW_MAX_NODES];
	uint8_t order[VIEW_MAX_NODES]; /* of the first `ordered`: by load, last
					*/
	uint8_t ordered;
	/* While copies are given out: the best r up to now, r before a trial,
	 * and whether that failed. */
	unsigned kept, before;
	bool tried;
};

struct spread {
	struct widen_key *keys;	 /* borrowed: one for each row */
	struct spread_row *rows; /* borrowed */
	size_t n;
	unsigned nodes; /* that are there */
	size_t self;	/* which of them we are */
	/* By member: its share of the work that is not for these keys; its
	 * weight; and how many requests clients make of it, in any unit. */
	double base[VIEW_MAX_NODES], weight[VIEW_MAX_NODES];
	double in[VIEW_MAX_NODES];
	double load[VIEW_MAX_NODES]; /* out: all that it has, by its weight */
};

/* Gives each key its r, with at most `extra` copies more than one of each, and
 * its parts. */
void spread_widen(struct spread *s, double extra);
/* Gives the parts, for the r that each key has. */
void spread_level(struct spread *s);
/* The highest load by the mean; 1 is perfect. */
double spread_peak(const struct spread *s);
