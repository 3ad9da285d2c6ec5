#pragma once
/*
 * Between load.c, which begins and ends a run and knows when requests are due,
 * and load_client.c, which sends them and judges the answers.
 *
 * One struct client per connection:
 *
 *	READY -> WAITING -> BEGIN -> CONNECTING -> SENDING -> HEAD -> BODY
 *	  ^  (not yet due)   |                       ^                  |
 *	  |                  +--- still connected ---+                  |
 *	  +- PAUSED (no connection) <- a failure, or the answer's end --+
 *
 * Descriptors are edge-triggered, so client_run() takes steps until one of
 * them has to wait for the kernel or the clock.
 */
#include "base/buf.h"
#include "bench/load.h"
#include "http/chunk.h"
#include "http/frame.h"
#include "net/loop.h"

enum client_state {
	READY,
	WAITING,
	PAUSED,
	BEGIN,
	CONNECTING,
	SENDING,
	HEAD,
	BODY,
	RETIRED
};

struct client {
	struct run *run; /* borrowed */
	struct source source;
	/* When the request is due, is late, or the pause is over. */
	struct timer timer;
	enum client_state state;
	unsigned requests;  /* on this connection */
	struct buf out, in; /* unsent, unread */
	struct load_request req;
	uint64_t due_ns, began_ns, connect_ns;
	enum load_outcome outcome;
	struct frame frame;
	struct chunk_decoder chunks;
	uint64_t body; /* bytes so far */
	bool keep;     /* the connection may carry another request */
	bool eof;
};

struct run {
	const struct load *load;
	struct load_result *result;
	struct loop *loop;	/* owned */
	struct client *clients; /* owned */
	unsigned active;
	bool ending;	   /* no new requests */
	bool dry;	   /* the generator has no more for somebody */
	uint64_t taken;	   /* requests, from the generator */
	uint64_t began_ns; /* monotonic */
	struct timer deadline, progress;
};

/* The client's next request, and when it is due; false: there is none. */
bool run_next(struct run *run, struct client *c);

void client_init(struct client *c, struct run *run);
void client_fini(struct client *c);
void client_run(struct client *c);
/* Gives up a request that waits to be due, and the client with it. */
void client_dismiss(struct client *c);
