#pragma once
/*
 * The lab's daemons: the origin's nginx, a `sevenfold node` per node and a
 * `sevenfold balancer`, each with STATE_DIR/HOST.pid, HOST.sock (not the
 * origin) and logs/HOST.log. They are nobody's children, in sessions of their
 * own.
 */
#include "base/buf.h"

#include <sys/types.h>

struct lab_options;

/* The configuration the daemons share, as text (pure). */
void cluster_conf(struct buf *b, const struct lab_options *o);
/* 0 when the file at path describes a cluster of o->nodes nodes that lives at
 * the lab's addresses; -EINVAL, with messages, when it doesn't. */
int cluster_check_conf(const char *path, unsigned nodes);

/* Writes the files, starts the daemons, waits until all see all nodes up: at
 * most 10 s, then -ETIMEDOUT with the reasons. -EINTR as state_pause(). */
int cluster_up(const struct lab_options *o);

/* as lab_kill(), lab_start(), lab_pid() */
int cluster_kill(const char *host);
int cluster_start(const char *host);
pid_t cluster_pid(const char *host);
/* Of another process of host's, whose files have that name. */
pid_t cluster_pid_of(const char *host, const char *name);
