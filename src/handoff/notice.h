#pragma once
/*
 * What a node tells a balancer at once of connections that it has just been
 * given, where links are scarce: each packet of the client that the giver has
 * to forward then takes 66 bytes of a link, and there is one for every other
 * segment of the answer; a notice takes some 77, once. It is one datagram:
 *
 *	number (8)	larger than that of all that this node said before
 *	of each connection, NOTICE_MAX at most:
 *		its client's kind of address (1): 4 or 6
 *		the address (4 or 16)  the port (2)
 *		the address of the node that gave it (4)
 *	a proof (16)	that this node says so (proof.h)
 *
 * in network order. If it is lost, or late, packets are forwarded; and the
 * balancer asks for what lasts in any case (claims.h). It accepts no number
 * twice, and none that is older than the last one it has asked for.
 */
#include "handoff/claims.h"

enum { NOTICE_MAX = 60 };

struct notice {
	uint64_t number;
	size_t n;
	struct notice_move {
		struct claim claim;
		struct in_addr giver;
	} v[NOTICE_MAX];
};

/* Who says so. */
struct notice_from {
	struct str secret;
	const char *cluster, *node;
};

/* Appends the datagram. 0 or negative errno. */
int notice_put(const struct notice_from *from, const struct notice *n,
	struct buf *out);
/* False, and *out untouched: it is none of that node. */
bool notice_take(const struct notice_from *from, struct str datagram,
	struct notice *out);

/* The same without the proof. */
void notice_write(const struct notice *n, struct buf *out);
bool notice_parse(struct str text, struct notice *out);
