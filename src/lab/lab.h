#pragma once
/*
 * The lab: a cluster on one machine, made of network namespaces.
 *
 * Hosts: `client`, `balancer`, `origin`, `n1`..`nN` and `switch`, each a
 * namespace /run/netns/sevenfold-HOST. A bridge in `switch` has one port per
 * host, p-HOST, and one to `machine`, the namespace of whoever made the lab:
 * its end is sevenfold0, so that a person's curl reaches http://192.0.2.10/.
 *
 *	client 198.18.0.10   balancer 198.18.0.2   origin 198.18.0.3
 *	n1 198.18.1.1 ...    machine 198.18.255.254    all in 198.18.0.0/16
 *	192.0.2.10/32 on the balancer's eth0 and, silent, on each node's lo
 *
 * There is one lab per machine at a time; a lock file keeps two callers of
 * up, down, kill or start apart. What was made is under lab_state_dir():
 * state.json (there when `up` has finished), the configuration files, a
 * socket and a pid file per daemon, logs/.
 *
 * All functions need root. Those that return int say on standard error why
 * they failed and return a negative errno.
 */
#include "conf/conf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LAB_NODES_MAX = 200 };

#define LAB_VIP "192.0.2.10"
#define LAB_VIP6 "2001:db8::10"
#define LAB_URL "http://" LAB_VIP "/"

struct lab_options {
	unsigned nodes; /* 1..LAB_NODES_MAX; of a cluster, as many as it may
			   have (VIEW_MAX_NODES), a front included */
	/* Bits per second in each direction of every host's link; 0 is no
	 * limit. client and machine stand for many: theirs is
	 * client_link_bits, or ten times link_bits where that is 0. */
	uint64_t link_bits, client_link_bits;
	unsigned cpu_millicores;     /* for each node; 0 is no limit */
	const struct arch *arch;     /* see arch.h; NULL: arch_sevenfold */
	const struct policy *policy; /* NULL: the architecture's own */
	uint64_t cache_bytes;	     /* of each node's cache; 0: 256 MB */
	enum conf_xdp xdp;
	enum conf_handoff handoff;
	enum conf_hook hook;	 /* at which nodes steer */
	unsigned workers;	 /* per node; 0: 2, or 1 where there's 1 core */
	const char *conf;	 /* NULL: written from the fields above */
	const char *origin_conf; /* nginx's; NULL: written for origin_root */
	const char *origin_root; /* NULL: a few pages made for the lab */
	bool ipv6;		 /* clients have IPv6, and there's a vip6 */
	bool squid;		 /* a Squid beside each node is its cache */
	/* The site has `distill images text`; with squid, each node has an
	 * nginx with its image filter between Squid and the origin instead. */
	bool distill;
	bool one_copy; /* of each object, however hot, or busy its owner */
	bool bare;     /* the network only, no daemons */
	bool force;    /* take down a lab that is in use */
};

/* Returns when every node and the balancer see all nodes up. Otherwise, and
 * on SIGINT, SIGTERM or SIGHUP (-EINTR), nothing is left behind. */
int lab_up(const struct lab_options *o);
/* Ends every process in the lab and removes all of it, whatever state it is
 * in. 0 when there was nothing. */
int lab_down(void);

/* This process becomes argv, in host, under host's CPU share. Returns only
 * when it can't: -ENOENT, no such host; -ENOEXEC, no such command. */
int lab_exec(const char *host, char *const argv[]);

/* SIGKILL to host's daemon, with its children; and starting it again, which
 * returns when it answers. */
int lab_kill(const char *host);
int lab_start(const char *host);
/* The daemon's pid, 0 when none runs. */
pid_t lab_pid(const char *host);

/* A table of hosts, processes and traffic to standard output. -ENOENT when
 * there is no lab. */
int lab_print_status(void);

const char *lab_state_dir(void);

/* What passed a host's link, with Ethernet headers and as frames on a wire
 * (a large segment is counted as the frames it becomes). */
struct lab_counters {
	uint64_t to_host_bytes, to_host_frames;
	uint64_t from_host_bytes, from_host_frames;
};

/* host may be "machine". */
int lab_port_counters(const char *host, struct lab_counters *out);
