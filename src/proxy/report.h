#pragma once
/*
 * What a node tells other machines of itself by HTTP (admin/report.h):
 *
 *	/metrics	its counters, for Prometheus
 *	/members	who is in the cluster, for the balancer:
 *			placement/census.h
 *	/moves/...	whose connections it was given, for the balancer, too:
 *			handoff/claims.h
 */
#include "base/buf.h"

/* A report_fn: ctx is the first worker, on whose loop it is called. */
const char *report_node(void *ctx, struct str path, struct buf *out);
