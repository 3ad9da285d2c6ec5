#pragma once
/*
 * The nodes of the cluster's service: checks their health and tells the
 * control of every change, which goes to the log as well. A node that comes
 * back gets its share of new connections bit by bit, if that is wanted. One
 * whose clients repeat their SYNs, and whose connections don't come about, is
 * as good as one that failed a check: it need not be waited for.
 *
 * A node that refuses, or answers what it should not, gets no new connections;
 * one that is silent loses those that it has, too.
 *
 * When pool_fd() is readable, call pool_run(); pool_tick() now and then. Not
 * thread-safe.
 */
#include "l4/addr.h"
#include "l4/health.h"

struct control;
struct pool;

struct pool_node {
	const char *name; /* borrowed, outlives the pool */
	union l4_addr addr;
	/* kept by the pool */
	bool up;	  /* says its health */
	bool lost;	  /* is not up, and there is nobody who says so */
	uint64_t good_ns; /* its last good check, or the pool's start */
	uint64_t up_ns;	  /* when it came back; 0: has all its share */
	uint32_t repeated, opened; /* as of `heard_ns`: see driver.h */
	uint64_t heard_ns;
};

struct pool_config {
	uint16_t port;		    /* to check; host order */
	struct health_config check; /* without callback */
	uint64_t slow_start_ns;	    /* 0: at once */
	struct control *control;    /* borrowed */
};

/* Takes the nodes' names and addresses. 0 or negative errno. */
int pool_open(const struct pool_config *config, const struct pool_node *nodes,
	size_t n, struct pool **out);
void pool_close(struct pool *p); /* NULL is fine */
/* One node more, the last. */
void pool_add(struct pool *p, const struct pool_node *node);
size_t pool_count(const struct pool *p);
int pool_fd(const struct pool *p);
/* Never blocks. */
void pool_run(struct pool *p);
void pool_tick(struct pool *p);
/* Someone who should know says that the node is down: as good as a failed
 * check. */
void pool_suspect(struct pool *p, size_t i);
const struct pool_node *pool_node(const struct pool *p, size_t i);
