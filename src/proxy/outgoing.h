#pragma once
/*
 * struct outgoing: a request on its way to an origin: its head, which stays,
 * for when it has to be sent again and since storing the answer depends on it;
 * and behind that its body, as an upload streams in.
 *
 * When the client waits to hear whether its body is wanted (Expect), the body
 * is held until the origin said so, or somebody's patience is at an end:
 * outgoing_release().
 */
#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/upstream.h"

struct outgoing {
	struct buf head;
	size_t plain_bytes;    /* of the head, before what the fetch added */
	size_t sent;	       /* bytes of the head */
	struct flight *upload; /* counted; NULL: none */
	struct reader reader;  /* of the upload */
	bool chunked;	       /* how the body is sent */
	bool held;	       /* it has to wait */
	bool done;	       /* all of it is sent, but for: */
	struct buf behind;     /* chunks on their way */
};

/* The request that x has, with more field lines. on_progress: there is more of
 * the upload to read; see struct reader. o is all zero. */
void
outgoing_init(struct outgoing *o, const struct exchange *x, enum forward_to to,
	struct str more, void (*on_progress)(struct reader *r));
void outgoing_leave_upload(struct outgoing *o);
void outgoing_fini(struct outgoing *o);
/* From the start again; it must have no upload. */
void outgoing_rewind(struct outgoing *o);
/* The same, without the lines that the fetch added. */
void outgoing_drop_conditions(struct outgoing *o);
/* Sends what there is and up has room for. True: part of the body went. */
bool outgoing_send(struct outgoing *o, struct upstream *up);
/* The body need not wait any longer. */
void outgoing_release(struct outgoing *o);
/* Has all that can be sent been sent, and the head for one? */
bool outgoing_is_held(const struct outgoing *o);
/* Is it the client who keeps the origin waiting? */
bool outgoing_awaits_client(struct outgoing *o);
