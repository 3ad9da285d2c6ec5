#pragma once
/*
 * struct news: what a node tells all others now and then: how much it has to
 * do, and which keys it was asked for most. As bytes, in network order:
 *
 *	number (8)  requests a second (4)  the same of late (4)  objects (8)
 *	load (4)  keys (4)
 *
 * and for each key its hash (8) and the requests a second for it (4); rates are
 * in sixteenths. The number grows: what is not newer than what is known is
 * old.
 */
#include "base/buf.h"

enum { NEWS_KEYS = 64 };

struct news_key {
	uint64_t key; /* XXH3 of the key */
	double rate;  /* a second, answered by whoever says so */
};

struct news {
	uint64_t number;
	double rate;	  /* requests a second, of all keys, likewise */
	double rate_fast; /* ... in the last second */
	uint64_t objects; /* that are no copies of others' */
	uint32_t load;	  /* requests under way */
	size_t n;
	struct news_key keys[NEWS_KEYS];
};

void news_put(const struct news *n, struct buf *out);
/* False when it makes no sense. */
bool news_parse(struct str payload, struct news *out);
