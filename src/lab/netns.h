#pragma once
/*
 * The lab's network namespaces and the processes that live in them.
 *
 * Host "n3" is the namespace mounted at /run/netns/sevenfold-n3. Processes
 * belong to it when /proc/PID/ns/net says so; names and pid files are never
 * enough to end one. /proc/sys/net shows the namespace of the one who looks,
 * /sys does not: code that needs /sys/class/net must ask the kernel by ioctl
 * or netlink instead.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NETNS_PREFIX "sevenfold-"

/* The short names of all hosts that have a namespace, n2 before n10. */
struct netns_hosts {
	char **names; /* owned */
	size_t n;
};
void netns_hosts(struct netns_hosts *out);
void netns_hosts_fini(struct netns_hosts *h);

/* Moves this process into host's namespace. -ENOENT when there is none. */
int netns_enter(const char *host);
bool netns_inside_lab(void); /* this process lives in one of them */

/* fn in a child that lives in host (NULL: here) and dies with its parent.
 * Returns its pid; netns_wait() is 0 when fn returned 0, else -EIO. */
pid_t netns_start(const char *host, int (*fn)(const void *), const void *arg);
int netns_wait(pid_t pid);

/* Runs argv here, with input as its standard input, until it ends. -EIO when
 * it failed; it has then said why itself. */
int netns_feed(const char *const argv[], struct str input);

bool netns_has(const char *host, pid_t pid);
/* Sends sig to every process in host's namespace, or in all the lab's when
 * host is NULL, but not to the caller; sig 0 only counts. Returns how many
 * there were. */
size_t netns_signal(const char *host, int sig);
/* How long the processes in host's namespace have run, those that they have
 * waited for too, to 10 ms each. */
uint64_t netns_cpu_ns(const char *host);

/* The names go at once; the kernel takes the rest apart when the last process
 * has left. */
int netns_delete(const char *host);
