#pragma once
/*
 * The parts of `sevenfold balancer`: what one process holds (balancer.c), how
 * it gets to its interface and its XDP program (balancer_open.c), the cluster's
 * own service (balancer_service.c), who is in the cluster
 * (balancer_members.h), whose connections are whose (balancer_moves.h), the
 * clients of nodes that are lost (balancer_lost.h), the admin socket
 * (balancer_admin.c), what is said by HTTP (balancer_metrics.c) and of a full
 * flow table (balancer_room.c).
 */
#include "l4/addr.h"
#include "l4/rules.h"
#include "net/loop.h"

#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct conf;

struct program {
	struct conf *conf; /* owned, as all here */
	char interface[IF_NAMESIZE];
	int ifindex;
	uint8_t mac[ETH_ALEN];
	uint64_t start_ns;
	struct loop *loop;
	struct source on_signal, on_pool, on_control;
	struct timer tick;
	struct admin_server *admin;
	struct balancer *balancer; /* NULL with the driver ipvs */
	struct xdp *xdp;
	struct ipvs *ipvs;
	struct control *control;
	struct members *members;
	struct moves *moves; /* NULL: nobody moves connections */
	struct lost *lost;   /* NULL with the driver ipvs */
	struct pool *pool;   /* its nodes are the first of the members */
	struct report_server *report; /* NULL: none wanted */
	char *pin;		      /* NULL: nowhere */
	bool leave;		      /* packets flow on when we go */
	bool failed;
	uint64_t no_room;	  /* packets that were for an entry, ever */
	uint64_t no_room_said_ns; /* when to look next */
};

/* Says what is wrong with the set-up. Always -1. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

union l4_addr member_addr(struct in_addr a);

/* --- balancer_open.c: 0, or -1 after a complaint -------------------------- */

/* The interface: the one wanted, the configuration's (NULL), or the one with
 * the route to the first node; and whether all nodes are to be reached there.
 */
int open_network(struct program *p, const char *wanted);
/* Loads the program and attaches it. pin: where to, NULL: wherever that can
 * be, "none". Nothing with the driver ipvs. */
int open_xdp(struct program *p, const char *pin);
/* What a frame may be. */
uint16_t read_mtu(const struct program *p);

/* --- balancer_service.c --------------------------------------------------- */

/* The cluster has a service for each of its addresses: how many, 1 or 2. */
size_t service_ids(const struct conf *c, struct rules_id out[2]);
/* The cluster's services, of the configuration and the members of the program,
 * and nothing of them that is in neither; others are the administrator's. */
int service_put(struct rules *r, void *program);

/* --- balancer_admin.c ----------------------------------------------------- */

/* 0, or -1 after a complaint. */
int open_admin(struct program *p, const char *path);
/* Whoever answers at that socket goes, and leaves us what it has. */
int take_over(const char *path);

/* --- balancer_metrics.c --------------------------------------------------- */

/* 0, or -1 after a complaint. */
int open_report(struct program *p);

/* --- balancer_room.c ------------------------------------------------------ */

/* Now and then: a line in the log when flows went without an entry of the
 * table, or were refused for want of one; at most one in a minute. */
void watch_room(struct program *p, uint64_t now_ns);
