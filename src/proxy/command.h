#pragma once
/*
 * What a node does when its administrator says so: the lines of the admin
 * socket, each the name of a command and what it takes.
 */
#include "admin/server.h"
#include "proxy/worker.h"

/* Answers with JSON, now or later; {"error": WHY} if the line is no good. w is
 * the worker on whose loop the socket is. */
void
command_run(struct worker *w, struct admin_request *request, struct str line);
