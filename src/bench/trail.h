#pragma once
/*
 * Which caches an answer came through, by its Cache-Status (RFC 9211): the
 * first member is the cache nearest the origin, the last one the cache nearest
 * the client.
 */
#include "http/head.h"

#include <stdbool.h>

struct trail {
	struct str owner;   /* first member's name; n == 0: no Cache-Status */
	struct str ingress; /* last member's name */
	bool hit;	    /* the owner had it */
	bool collapsed;	    /* the owner was already fetching it */
};

/* Slices are borrowed from the head's bytes. */
struct trail trail_of(const struct head *h);
