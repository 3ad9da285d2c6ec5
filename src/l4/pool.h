#pragma once
/*
 * The nodes of the service: keeps the balancer told of them. A node is used
 * when its health checks succeed and its MAC address is known; every change
 * of either goes to balancer_set() and to the log.
 *
 * When pool_fd() is readable, call pool_run(). Not thread-safe.
 */
#include "l4/health.h"

#include <net/ethernet.h>
#include <net/if.h>

struct balancer;
struct pool;

struct pool_node {
	const char *name; /* borrowed, outlives the pool */
	struct in_addr addr;
	/* kept by the pool */
	uint8_t mac[ETH_ALEN];
	bool has_mac;
	bool used;
	bool suspect;	  /* did not answer: is its MAC still true? */
	bool no_arp;	  /* that was logged already */
	uint64_t good_ns; /* its last good check, or the pool's start */
};

struct pool_config {
	int ifindex;
	uint16_t port;		    /* to check; host order */
	struct health_config check; /* without callback */
	struct balancer *balancer;  /* borrowed */
};

/* Takes the nodes' names and addresses; in the balancer they have the same
 * numbers. 0 or negative errno. */
int pool_open(const struct pool_config *config, const struct pool_node *nodes,
	size_t n, struct pool **out);
void pool_close(struct pool *p); /* NULL is fine */
int pool_fd(const struct pool *p);
/* Never blocks. */
void pool_run(struct pool *p);
const struct pool_node *pool_node(const struct pool *p, size_t i);
