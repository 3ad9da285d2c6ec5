#pragma once
/*
 * The admin socket's serving side: a unix stream socket on which a client
 * sends one line and gets one document, then the end of file. admin/call.h is
 * the other side.
 */
#include "base/str.h"
#include "net/loop.h"

struct admin_server;
struct admin_request;

/* line is without its end. The handler answers now or later, but once. */
typedef void (*admin_handler_fn)(
	void *ctx, struct admin_request *request, struct str line);

/* 0, or negative errno when path can't be listened on. */
int admin_listen(struct loop *l, const char *path, admin_handler_fn handler,
	void *ctx, struct admin_server **out);
/* Requests that were not answered get nothing. Removes the socket. */
void admin_close(struct admin_server *s);
void admin_answer(struct admin_request *request, struct str document);
