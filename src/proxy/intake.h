#pragma once
/*
 * struct intake: the body of a message, from the bytes of a connection into a
 * struct body, by its framing: of requests from clients, and of responses from
 * origins.
 */
#include "base/buf.h"
#include "cache/flight.h"
#include "http/chunk.h"
#include "http/frame.h"

struct intake {
	struct frame frame;
	uint64_t left; /* bytes still to come; UINT64_MAX: not known */
	struct chunk_decoder chunks; /* chunks.error says what was bad */
	struct buf trailers;	     /* that may be passed on, and others */
};

enum intake_result {
	INTAKE_SOME, /* bytes were taken */
	INTAKE_MORE, /* all was taken; what comes next will be */
	INTAKE_FULL, /* the body's window is closed */
	INTAKE_END,  /* the body is complete; `in` is what follows it */
	INTAKE_BAD,  /* broken chunks */
};

/* Of the body behind h. It must not be moved; *i is all zero, or ended. */
void intake_init(struct intake *i, struct frame frame, const struct head *h);
void intake_fini(struct intake *i);
/* Takes a piece from the front of `in`. FRAME_CLOSE never ends here. Does not
 * end the body. */
enum intake_result
intake_take(struct intake *i, struct buf *in, struct body *body);

/* Ends f's body, which is complete, with those of the trailers that may be
 * passed on. */
void intake_end(struct intake *i, struct flight *f);

/* For plain bytes that come straight from a socket: where they go, at most *n
 * of them, and that they have come. The window is the caller's to look at. */
char *intake_room(struct intake *i, struct body *body, size_t *n);
void intake_commit(struct intake *i, struct body *body, size_t n);
