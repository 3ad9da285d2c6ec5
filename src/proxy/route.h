#pragma once
/*
 * What a request is about: the key of the object and the origin that has it.
 */
#include "base/arena.h"
#include "http/head.h"
#include "http/uri.h"
#include "proxy/node.h"

struct route {
	struct str key;		      /* in the arena; of CONNECT, its target */
	uint64_t hash;		      /* of the key: XXH3 */
	const struct node_site *site; /* NULL: a forward proxy's request */
	struct str origin_host;	      /* then: name or address */
	uint16_t origin_port;
	bool original;	   /* it says so: see distill_rules */
	struct str host;   /* as the client wrote it, with its port */
	struct str target; /* origin form, as the client wrote it */
	/* The same two as the key has them. An origin that tells spellings
	 * apart must not have its answer to one kept for the others, so this
	 * is what it is asked for what will be kept. The scheme is that by
	 * which the client came to whoever is in front of us. */
	struct str key_scheme, key_host, key_target;
};

struct route_error {
	unsigned status;
	const char *why; /* static */
};

/* client (IPv4 is mapped): whose right to use us as a forward proxy counts;
 * NULL when a peer asks, who has looked already. Slices in *out are the head's
 * or the arena's. 0, or -EINVAL and *error. */
int route_request(const struct node_config *config, const struct head *h,
	const struct in6_addr *client, struct arena *a, struct route *out,
	struct route_error *error);

/* Appends a request for a key, in absolute form. False, with nothing appended:
 * it is none. */
bool route_put_request(struct str method, struct str key, struct buf *out);
