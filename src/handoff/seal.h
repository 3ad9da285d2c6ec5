#pragma once
/*
 * struct seal: what two nodes say to each other about moves, so that nobody
 * else can say, read or repeat it: AES-256-GCM, with a key for each connection
 * and direction, derived from the cluster's secret (HKDF, RFC 5869) and from
 * what both ends made up for this connection. Messages are numbered, and come
 * in order: one that is repeated, left out or from another connection does not
 * open.
 */
#include "base/buf.h"

struct seal;

enum { SEAL_BYTES = 16, SEAL_SECRET_MIN = 16 };

/* What both ends know of their connection. */
struct seal_context {
	struct str secret;
	const char *cluster;
	const char *dialler, *acceptor;	    /* nodes */
	uint64_t dialler_key, acceptor_key; /* each made up by that end */
};

/* For what the dialler says, or the acceptor. NULL if the library fails. */
struct seal *seal_new(const struct seal_context *c, bool from_dialler);
void seal_free(struct seal *s); /* NULL is fine */

/* Appends it, sealed, in SEAL_BYTES more; what it is about (known to the other
 * end otherwise) is sealed with it. 0 or negative errno. */
int
seal_put(struct seal *s, struct str about, struct str text, struct buf *out);
/* Appends what was sealed. -EBADMSG: it is not what the other end said next;
 * *out is as it was. */
int
seal_open(struct seal *s, struct str about, struct str sealed, struct buf *out);
