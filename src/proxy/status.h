#pragma once
/*
 * What a node says of itself and of the cluster, as JSON.
 */
#include "admin/server.h"
#include "proxy/node.h"

/* This node's own counters, view and uptime; to be freed. Any thread. */
char *status_self(const struct node *n);

/* Answers a line of the admin socket; w is the worker on whose loop the socket
 * is, and whose peers are asked for their own status. */
void
status_answer(struct worker *w, struct admin_request *request, struct str line);
