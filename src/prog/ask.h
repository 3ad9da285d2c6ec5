#pragma once
/*
 * A question and its answer over a unix stream socket: a client writes one
 * line, gets the answer, and end of file. For `sevenfold balancer`'s admin
 * socket. The socket's file has mode 0600.
 *
 * Owns an epoll instance: when ask_fd() is readable, call ask_run(). A client
 * that neither asks nor reads is dropped when its place is needed.
 */
#include "base/buf.h"

struct ask;

/* command is the line without its end; the answer goes to *answer. */
typedef void (*ask_fn)(void *ctx, struct str command, struct buf *answer);

/* The last directory of path is made when it is missing. What a dead process
 * left there is replaced. -EADDRINUSE: a live one listens there. -ENOTSOCK:
 * path is something else. */
int ask_open(const char *path, ask_fn on_command, void *ctx, struct ask **out);
/* Removes the file. NULL is fine. */
void ask_close(struct ask *a);
int ask_fd(const struct ask *a);
/* Never blocks. */
void ask_run(struct ask *a);
