#pragma once
/*
 * What a node says of itself and of the cluster, as JSON.
 */
#include "admin/server.h"
#include "proxy/node.h"

/* This node's own counters, view and uptime; to be freed. Any thread. */
char *status_self(const struct node *n);

/* Answers with the cluster's; w is the worker on whose loop the socket is, and
 * whose peers are asked for their own. */
void status_survey(struct worker *w, struct admin_request *request);
