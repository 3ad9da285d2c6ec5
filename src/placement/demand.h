#pragma once
/*
 * struct demand: what all nodes say of what they are asked for, added up, and
 * made into what struct spread begins with: how much of all work each key is,
 * and how much each node has that is not told of by key. Pure.
 *
 * Work is in bytes: those that are sent, and for each request as many as it
 * costs beside that. How many that are is the caller's to say.
 *
 * Rates are of the last seconds, so that there is little of chance in them,
 * unless what is asked for in this moment differs from that beyond doubt: then
 * they are of this moment. So what becomes hot is seen at once, and what has
 * cooled is, too.
 */
#include "placement/hotset.h"
#include "placement/place.h"

struct demand_rate {
	double rate;   /* requests a second, in the last seconds */
	double recent; /* ... in the last half second */
	double work;   /* a second, with rate */
};

/* Is it asked for more, or less, than before, beyond doubt? */
bool demand_changes(const struct demand_rate *r);

struct demand_key {
	struct place_key key;
	struct demand_rate rate;
	unsigned r; /* nodes that are to hold it, as its owner says; 0: whoever
		       tells of it is another */
	uint8_t by; /* set by demand_add(): who tells of most of it */
};

enum {
	DEMAND_HEEDED = 64,
	DEMAND_ROWS = 256, /* keys that are spread: the largest */
};

struct demand {
	struct demand_key *keys; /* owned; after demand_sum() by hash */
	size_t n, cap;
	uint64_t reported;	      /* members, as bits */
	double other[VIEW_MAX_NODES]; /* work of what is not told of by key */
	struct demand_rate all;
	uint64_t heeded[DEMAND_HEEDED];
	size_t nheeded;
	struct widen_key *wide; /* owned */
};

void demand_init(struct demand *d);
void demand_fini(struct demand *d);
/* What that member answers: in all, and by key. */
void demand_add(struct demand *d, size_t member, const struct demand_rate *all,
	const struct demand_key *keys, size_t n);
/* The end of it: each key is there once, in order, and rate is what counts. */
void demand_sum(struct demand *d);

/* Then: rates come nearer to their mean, by as much as they may be away from it
 * by chance. Few requests for large objects would else seem to be for others
 * every few seconds, and copies of those be fetched, each of which costs as
 * much as an answer. */
void demand_temper(struct demand *d);

/* Then: what our own clients asked for in the last moments, with counts for
 * rates, out of `total`. As the balancer sprays connections they are as good as
 * everybody's; and they are known at once, whereas the owner, who is the
 * busiest when something becomes hot, may not get a word out. What is more than
 * was told, beyond doubt, is believed, and all else is the less. At most
 * DEMAND_HEEDED.
 */
void demand_heed(struct demand *d, const struct demand_key *asked, size_t n,
	double total);

/* Who there is, and who we are among them. */
struct demand_members {
	struct place *const *places; /* the first: of all nodes */
	size_t nplaces;
	uint64_t up; /* as bits, ourselves among them */
	size_t self;
	double in[VIEW_MAX_NODES]; /* requests that each gets from clients;
				      below 0: not known */
	/* What each has to do beside what is counted, by a node's mean; below 0
	 * if it is less. */
	double excess[VIEW_MAX_NODES];
};

/* The keys are demand's, and stay its; rows are DEMAND_ROWS. before: who holds
 * what already; or NULL. */
void demand_spread(struct demand *d, const struct demand_members *m,
	const struct hotset *before, struct spread_row *rows,
	struct spread *out);
