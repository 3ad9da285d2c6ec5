#pragma once
/*
 * struct conn: a client's connection. Requests are answered one after the
 * other; what a client sends ahead waits. Between requests it has no buffers.
 * It frees itself.
 *
 *	HEAD ──► ANSWER ──► HEAD ...		keep-alive
 *	  │         └─────► LINGER ──► gone	we close, but first let the
 *	  └──► ANSWER (an error) ──► LINGER	client read what we said
 */
#include "proxy/worker.h"

/* Takes fd over. */
void conn_start(struct worker *w, int fd, const struct sockaddr_in *peer);
/* Closes all that wait for a request; the others close after their answer. */
void conn_drain_all(struct worker *w);
void conn_abort_all(struct worker *w);
/* Frees what connections left for others to use. */
void conn_drop_spares(struct worker *w);
