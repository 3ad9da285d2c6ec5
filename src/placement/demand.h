#pragma once
/*
 * struct demand: what all nodes say of what they are asked for, added up, and
 * made into what struct spread begins with: how much of all requests each key
 * is, and how much each node has that is not told of by key. Pure.
 */
#include "placement/hotset.h"
#include "placement/place.h"

struct demand_key {
	uint64_t key;
	double rate; /* a second, or a count */
	unsigned r;  /* nodes that are to hold it, as its owner says; 0: whoever
			tells of it is another */
};

enum { DEMAND_HEEDED = 64 };

struct demand {
	struct widen_key *keys; /* owned; share is a rate until demand_sum() */
	size_t n, cap;
	uint64_t reported;	      /* members, as bits */
	double other[VIEW_MAX_NODES]; /* of what is not told of by key */
	double total;		      /* of all rates */
	uint64_t heeded[DEMAND_HEEDED];
	size_t nheeded;
};

void demand_init(struct demand *d);
void demand_fini(struct demand *d);
/* What that member answers: in all, and by key. */
void demand_add(struct demand *d, size_t member, double rate,
	const struct demand_key *keys, size_t n);
/* The end of it: each key is there once, in order, with its share. */
void demand_sum(struct demand *d);

/* Then: what our own clients asked for in the last moments, counted, out of
 * `total`. As the balancer sprays connections they are as good as everybody's;
 * and they are known at once, whereas the owner, who is the busiest when
 * something becomes hot, may not get a word out. What is more than was told,
 * beyond doubt, is believed, and all else is the less. At most DEMAND_HEEDED.
 */
void demand_heed(struct demand *d, const struct demand_key *asked, size_t n,
	double total);

/* Who there is, and who we are among them. */
struct demand_members {
	const struct place *place;
	uint64_t up; /* as bits, ourselves among them */
	size_t self;
};

/* The keys are demand's, and stay its; rows are d->n. They are not used when
 * the place's policy ranks by more than the key's hash: rankings aren't known
 * then. before: who holds what already; or NULL. */
void demand_spread(struct demand *d, const struct demand_members *m,
	const struct hotset *before, struct spread_row *rows,
	struct spread *out);
