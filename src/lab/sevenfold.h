#pragma once
/*
 * The lab's own daemons: a `sevenfold node` per node, and a `sevenfold
 * balancer`; or a node in the balancer's place that owns nothing. They share
 * STATE_DIR/sevenfold.conf, but for nodes that are clusters of their own.
 */
#include "base/buf.h"

struct lab_options;
struct topo_host;

/* That configuration, as text (pure). alone: that of this one node which is a
 * cluster of its own; or NULL. o->arch is not NULL. */
void sevenfold_conf(struct buf *b, const struct lab_options *o,
	const struct topo_host *alone);
/* 0 when the file at path describes a cluster of that many nodes that lives at
 * the lab's addresses; -EINVAL, with messages, when it doesn't. */
int sevenfold_check_conf(const char *path, unsigned nodes);
