#pragma once
/*
 * Which daemons (daemon.h) a lab runs, and where: the origin's, the one at the
 * virtual address and those of the nodes, as the architecture says.
 */
#include <sys/types.h>

struct daemon;
struct lab_options;
struct topo_host;

/* 0, or a message: options that don't fit each other, a program that isn't
 * there. */
int cluster_check(const struct lab_options *o);
/* Writes the files, starts the daemons, waits until all see all nodes up: at
 * most 30 s, then -ETIMEDOUT with the reasons. -EINTR as state_pause(). */
int cluster_up(const struct lab_options *o);

/* h's daemon, and what stands behind it; NULL: it has none. */
const struct daemon *
cluster_daemon(const struct lab_options *o, const struct topo_host *h);
const struct daemon *
cluster_behind(const struct lab_options *o, const struct topo_host *h);

/* as lab_kill(), lab_start(), lab_pid() */
int cluster_kill(const char *host);
int cluster_start(const char *host);
pid_t cluster_pid(const char *host);
