#pragma once
/*
 * struct news: what a node tells all others now and then: how much it has to
 * do, and which keys it was asked for most. As bytes, in network order:
 *
 *	number (8)  requests a second (4)  objects (8)  load (4)  keys (4)
 *
 * and for each key its hash (8), the requests a second for it (4), and how many
 * nodes are to hold it (1; 0: that is another's to say); rates are in
 * sixteenths. The number grows: what is not newer than what is known is
 * old.
 */
#include "base/buf.h"
#include "placement/demand.h"

enum { NEWS_KEYS = 64 };

struct news {
	uint64_t number;
	double rate;	  /* requests a second, of all keys */
	uint64_t objects; /* that are no copies of others' */
	uint32_t load;	  /* requests under way */
	size_t n;
	/* Requests a second, answered by whoever says so. */
	struct demand_key keys[NEWS_KEYS];
};

void news_put(const struct news *n, struct buf *out);
/* False when it makes no sense. */
bool news_parse(struct str payload, struct news *out);
