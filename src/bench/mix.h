#pragma once
/*
 * struct mix: a set of files that are asked for at random, each in proportion
 * to its weight; as WebStone has it, and the paper's three sets of 100 files.
 *
 * A list of files is text, as WebStone 2 has it: a line per file
 *
 *	/file5k.html	500	#5125
 *
 * is its target, its weight (a natural number; default 1) and, as a comment,
 * its size in bytes: without one, answers may have any length. Empty lines and
 * those that begin with # say nothing.
 */
#include "bench/catalog.h"
#include "bench/pick.h"
#include "bench/play.h"

struct mix {
	struct catalog catalog;
	double *weights; /* owned, per object of the catalog */
	struct pick pick;
};

/* All below are to be freed, also if they fail. */
void mix_fini(struct mix *m);

struct mix_mistake {
	unsigned line; /* from 1; 0: the list as a whole */
	const char *what;
};

/* Reads a list. False if there is a mistake in it. */
bool mix_parse(struct mix *m, struct str list, uint64_t seed,
	struct mix_mistake *mistake);

/*
 * A built-in mix; false if none has that name:
 *
 * webstone: the standard mix of WebStone 2 (filelist.standard).
 *
 * surge-100, unc-2001, berkeley-1998: 100 files each. What the paper had is
 * not known; these are SYNTHETIC, and share with it what its tables imply: the
 * mean size of an answer (2^20 Mbit/s / 8 / requests/s, the conventional
 * architecture's 30 cells: 23,428, 10,546 and 13,969 bytes), of which
 * MIX_HEAD_BYTES are taken for the head. Sizes are the 100 percentiles of a
 * lognormal distribution with that mean after weighting; the weight of the
 * file of rank r is 1 / r^0.8, with which a hash over 16 servers loses about
 * what the paper's did; ranks and sizes have nothing to do with each other.
 */
bool mix_named(struct mix *m, struct str name, uint64_t seed);

enum { MIX_HEAD_BYTES = 250 };

/* "surge-100, unc-2001, ..." */
const char *mix_names(void);

/* The mean body, of files whose size is known, by weight. */
double mix_mean_bytes(const struct mix *m);

/* A play's order: files at random, without end. */
bool mix_order(void *mix, unsigned client, struct play_step *out);
