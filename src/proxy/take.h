#pragma once
/*
 * Takes a client's connection from the node that got it: the taker's side of
 * handoff/move.h, between the channel from the giver (serve.h) and the new
 * connection (conn.h). What a MOVE consists of, in network order:
 *
 *	a snapshot (handoff/snapshot.h)
 *	1, and the client's address, of IPv6 or mapped (16), which a PROXY
 *		header may have said; or 0: it is the snapshot's
 *	the head of the request that it is to be served (proxy/lines.h)
 */
#include "base/buf.h"
#include "handoff/move.h"
#include "handoff/snapshot.h"
#include "proxy/worker.h"

struct take;

/* All but the head. */
void take_put(const struct snapshot *s, const struct in6_addr *client,
	struct buf *out);

struct take_text {
	struct snapshot snapshot;
	struct in6_addr client;
	struct str head; /* borrowed: in the clear */
};

/* Takes all but the head off the front of *text. False when it makes no
 * sense. */
bool take_parse(struct str *text, struct take_text *out);

/* The connection is here, mute. NULL when it can't be. */
struct take *take_start(struct worker *w, const struct take_text *t);
/* What has become of it, which is the end of t. GO: it is ours, from the node
 * of that address: a client's connection like any, whose request is served.
 * CANCEL: the giver has it; away without a word. LOST: so was he; he has it if
 * he lives.
 */
void take_on(struct take *t, enum move_event e, struct in_addr giver);
