#pragma once
/*
 * Programs that the lab runs in its hosts: `sevenfold` itself, and others'.
 *
 * A daemon's files are called after its host: STATE_DIR/HOST.conf (or with
 * another ending), HOST.pid, HOST.sock, logs/HOST.log; those of one that stands
 * behind a host's own daemon (a Squid) HOST-NAME.pid and so on. They are
 * nobody's children, in sessions of their own, in the foreground of which they
 * stay.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lab_options;
struct lab_stats;
struct topo_host;

struct daemon {
	const char *name;
	const char *package; /* of Debian; NULL: it is this program */
	bool behind;
	/* Writes its files, before anything runs. As state_write(). */
	int (*prepare)(const struct lab_options *o, const struct topo_host *h);
	/* Its command line; static, for a process that becomes it. */
	const char *const *(*argv)(const struct topo_host *h);
	/* It serves, and sees `nodes` nodes up if it watches nodes (0: any).
	 * Otherwise *why says what is missing. */
	bool (*is_ready)(
		const struct topo_host *h, unsigned nodes, struct buf *why);
	/* All but cpu_ns; NULL: it has no figures. -EIO: it did not say. */
	int (*stats)(const struct topo_host *h, struct lab_stats *out);
};

extern const struct daemon daemon_node, daemon_front, daemon_balancer,
	daemon_origin, daemon_squid, daemon_haproxy, daemon_nginx_cache,
	daemon_varnish, daemon_traffic_server, daemon_image_filter;

/* What h's file of d with that ending is called; the caller's. */
char *daemon_file(
	const struct daemon *d, const struct topo_host *h, const char *ending);
/* 0 when its command is there, else -ENOENT with a message. */
int daemon_check(const struct daemon *d);
int daemon_start(const struct daemon *d, const struct topo_host *h);
pid_t daemon_pid(const struct daemon *d, const struct topo_host *h);
/* 0, -EINTR, or a message and -ETIMEDOUT or, when it has ended, -ECHILD */
int daemon_await(const struct daemon *d, const struct topo_host *h,
	unsigned nodes, uint64_t deadline_ns);

/* An is_ready for what accepts connections on port 80 of h's own address. */
bool daemon_listens(const struct topo_host *h, unsigned nodes, struct buf *why);
/* ... on a port of h's loopback interface. */
bool daemon_listens_inside(const struct daemon *d, const struct topo_host *h,
	unsigned port, struct buf *why);
/* Puts into *out what argv says in host, or what addr:port answers there to
 * the request, until it ends. -EIO, also when that took 2 s. */
int daemon_run(const char *host, const char *const argv[], struct buf *out);
int daemon_ask(const char *host, const char *addr, uint16_t port,
	const char *request, struct buf *out);
/* The number in the first of text's lines that says "name: 7", "name = 7",
 * "name 7" or "7 name"; 0 when there is none. */
uint64_t daemon_figure(struct str text, const char *name);
