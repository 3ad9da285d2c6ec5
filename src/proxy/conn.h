#pragma once
/*
 * struct conn: a client's connection. Requests are answered one after the
 * other; what a client sends ahead waits. Between requests it has no buffers.
 * It frees itself.
 *
 *	[GREETING ──►]				from those who begin with a
 *						PROXY header
 *	HEAD ──► ANSWER ──► HEAD ...		keep-alive
 *	  │       │ └─────► LINGER ──► gone	we close, but first let the
 *	  │       │				client read what we said
 *	  │       └──► TUNNEL ──► gone
 *	  └──► ANSWER (an error) ──► LINGER
 *
 * From HEAD it may also get to GIVING: to another node, and be gone from here,
 * or stay after all (ANSWER).
 */
#include "proxy/worker.h"

struct tenure;

/* Takes fd over. */
void conn_start(struct worker *w, int fd, const struct in6_addr *peer);
/* The same, of a connection that another node gave us, whose client has that
 * address, with the head of the request that is to be answered. t is taken
 * over. */
void conn_start_taken(struct worker *w, int fd, const struct in6_addr *addr,
	struct str head, struct tenure *t);
/* A turn's end: sends the answers that were put off until then. */
void conn_send_all(struct task *t);
/* The next turn: goes on with those that gave way to others. */
void conn_go_on(struct timer *t);
/* Closes all that wait for a request; the others close after their answer. */
void conn_drain_all(struct worker *w);
void conn_abort_all(struct worker *w);
