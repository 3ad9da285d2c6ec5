#pragma once
/*
 * struct hello: what is said first between two nodes: that they belong
 * together, and what the connection is for. As text,
 *
 *	sevenfold 7 CLUSTER NODE CHECKSUM KEY BULK UPTIME
 *
 * in which NODE is whoever says it, CHECKSUM that of the rules by which keys
 * are placed, and the rest is as below; numbers are in hexadecimal.
 */
#include "base/buf.h"
#include "proxy/node.h"

struct hello {
	uint64_t key;  /* of a channel: made up by whoever says it; else the
			  ticket that goes with the number (handoff/seal.h) */
	uint32_t bulk; /* 0: this is a channel; or the number of a connection
			  for large bodies, which goes with one */
	uint64_t uptime_ms; /* of whoever says it; set by hello_put() */
};

void hello_put(const struct node *n, const struct hello *h, struct buf *out);
/* NULL when it is fine, as said by the node of that index; or what is wrong
 * with it, which is static text. */
const char *hello_parse(
	const struct node *n, size_t peer, struct str text, struct hello *out);
