#pragma once
/*
 * struct upload: the body of a client's request, on its way from the client's
 * bytes into a flight, which whoever passes the request on reads.
 */
#include "cache/flight.h"
#include "net/loop.h"
#include "proxy/intake.h"
#include "proxy/route.h"

struct upload {
	struct flight *flight; /* counted; NULL: no body */
	struct intake intake;
	uint64_t max_bytes;
	bool done;     /* or given up */
	bool expected; /* the client waits to hear that it may send it */
	struct tap tap;
	struct wake wake; /* there is room again, or nobody reads */
};

enum upload_result {
	UPLOAD_IDLE,	 /* nothing to do for now, or any more */
	UPLOAD_MORE,	 /* all bytes are taken; more are to come */
	UPLOAD_MOVED,	 /* some were taken */
	UPLOAD_GIVEN_UP, /* where it ends will not be known */
};

/* How the body behind h is framed, if it can be taken at all. If not, -EINVAL
 * and *error. */
int upload_frame(const struct head *h, uint64_t max_bytes, struct frame *frame,
	struct route_error *error);
/* Once, before the first use. */
void
upload_init(struct upload *u, struct loop *l, void (*on_wake)(struct wake *w));
/* There is a body unless u->done. frame is that of h. */
void upload_begin(struct upload *u, const struct head *h, struct frame frame,
	uint64_t max_bytes, struct budget *budget);
/* Takes a piece from the front of in. */
enum upload_result upload_step(struct upload *u, struct buf *in);
/* The rest will not come, or be of no use: the status and reason for whoever
 * has no answer yet. */
void upload_give_up(struct upload *u, unsigned status, const char *why);
/* The request has ended. Harmless when it had no body. */
void upload_end(struct upload *u);
