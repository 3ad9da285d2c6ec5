#pragma once
/*
 * struct news: what a node tells all others now and then: how much it has to
 * do, and which keys it was asked for most. As varints (base/varint.h), since
 * each tells each other one:
 *
 *	number  objects  load  in  wait << 1 | scarce  rate  recent  work  keys
 *
 * and for each key
 *
 *	hash (8 bytes)  nodes << 1 | differs  digest (8 bytes)  place
 *	rate  recent  work
 *
 * the digest being there if it differs from the hash. nodes: how many are to
 * hold it; 0: that is another's to say. Rates are in sixteenths, work in
 * sixteenths of a kilobyte. The number grows: what is not newer than what is
 * known is old.
 */
#include "base/buf.h"
#include "placement/demand.h"

enum { NEWS_KEYS = 64 };

struct news {
	uint64_t number;
	uint64_t objects;	/* that are no copies of others' */
	uint32_t load;		/* requests under way */
	double in;		/* what clients ask of it, a second */
	bool link_is_scarce;	/* rather than the processors */
	uint16_t wait_ms;	/* of packets to and from its peers */
	struct demand_rate all; /* answered by whoever says so; work: bytes */
	size_t n;
	struct demand_key keys[NEWS_KEYS];
};

void news_put(const struct news *n, struct buf *out);
/* False when it makes no sense. */
bool news_parse(struct str payload, struct news *out);
