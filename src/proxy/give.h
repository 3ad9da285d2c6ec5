#pragma once
/*
 * Gives a client's connection to the node that owns what it asks for: the
 * giver's side of handoff/move.h, between the connection (conn.h) and the
 * channel to the owner (peer.h). Nothing but the answer's way depends on it: a
 * connection that can't be given stays, and the owner is asked.
 */
#include "proxy/client.h"
#include "proxy/handoff.h"
#include "proxy/peer.h"
#include "proxy/request.h"

/* May q's connection, whose client is c, be given to p? Then that has begun,
 * and nothing is to be read from or sent on c until give_on(), which is to be
 * called at each q->x->on_move(), says otherwise. False: it stays, and why is
 * counted. */
bool give_start(struct request *q, struct client *c,
	const struct in6_addr *addr, struct peer *p);

enum give {
	GIVE_WAIT,
	GIVE_GONE, /* it is the other node's */
	GIVE_BACK, /* it stays; the owner is to be asked */
	GIVE_LOST, /* it is nobody's */
};

/* What has become of it. */
enum give give_on(struct request *q, struct client *c, enum move_event e);
/* The connection is about to be closed while it is being given. */
void give_abandon(struct request *q);
