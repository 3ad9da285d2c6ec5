#pragma once
/*
 * How a process is, for other machines: by HTTP/1.1 on a TCP port of its own,
 * one GET or HEAD a connection, nothing that changes anything. What reads it:
 * Prometheus (/metrics), and the balancer (a node's
 * /members and /moves).
 */
#include "base/buf.h"
#include "net/loop.h"

#include <netinet/in.h>

struct report_server;

/* Appends the document of that path (its query cut off). Returns its media
 * type, static; NULL, and nothing appended, when there is none. */
typedef const char *(*report_fn)(void *ctx, struct str path, struct buf *out);

/* 0, or negative errno when addr can't be listened on. */
int report_listen(struct loop *l, struct in_addr addr, uint16_t port,
	report_fn fn, void *ctx, struct report_server **out);
void report_close(struct report_server *s); /* NULL is fine */

/* The answer to what has come of a request: false when more is needed. For the
 * server, and for tests of it. */
bool
report_answer(report_fn fn, void *ctx, struct str request, struct buf *out);
