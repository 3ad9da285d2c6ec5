#pragma once
/*
 * A response as it comes on an origin's connection: bytes for whoever parses
 * its heads, and its body, by its framing, into a struct body. Plain bytes go
 * from the socket straight into the body.
 */
#include "proxy/intake.h"
#include "proxy/upstream.h"

enum incoming_result {
	INCOMING_SOME, /* bytes came; there may be more */
	INCOMING_WAIT, /* for the origin, or for the body's window */
	INCOMING_END,  /* the body is complete */
	INCOMING_CUT,  /* the connection ended before it was, or broke */
	INCOMING_BAD,  /* i->chunks.error says why */
};

/* More bytes into up->in: SOME or WAIT; END: the origin has closed; CUT. */
enum incoming_result incoming_more(struct upstream *up);
/* The next piece of a body. */
enum incoming_result
incoming_body(struct intake *i, struct upstream *up, struct body *body);
