#pragma once
/*
 * struct client: a client's socket, what is known of it, and how long it has
 * for what it is waited for. Part of struct conn: what an idle one costs is
 * counted in bytes.
 */
#include "base/buf.h"
#include "proxy/pace.h"
#include "proxy/worker.h"

struct client {
	struct source io;
	struct worker *worker; /* borrowed */
	union {
		struct timer timer; /* at deadline_ns or earlier */
		struct grave grave; /* at the end */
	};
	uint64_t deadline_ns; /* 0: none */
	bool readable : 1, writable : 1;
	bool hung_up : 1; /* the end is to be read, behind what is there */
	bool eof : 1;	  /* ... and has been */
};

/* What the loop says of it. */
void client_note(struct client *c, uint32_t events);
/* How many bytes came; 0: none for now, or c->eof; or negative errno. */
ssize_t client_read(struct client *c, struct buf *in);
/* Its end will not look to the client like the end of what we said. */
void client_reset_at_end(struct client *c);

/* Deadlines move with each request; the timer follows when it is due. */
void client_set_deadline(struct client *c, uint64_t in_ns);
/* For its timer: is it the deadline's time? Then there is none any more. */
bool client_is_due(struct client *c);

/* It is the client's turn: to send, or to take what we have for it. While we
 * wait for others its time does not run. */
void client_await(struct client *c, struct pace *p, uint64_t timeout_ns);
/* n bytes came from it, or have arrived there: it is not its turn any more. */
void client_moved(struct client *c, struct pace *p, uint64_t n);
/* Is it slower than min_rate? That is counted. */
bool client_is_slow(struct client *c, struct pace *p);
