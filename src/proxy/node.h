#pragma once
/*
 * struct node: this process as a member of the cluster. What it points to is
 * made before the workers start and does not change while they run; the store
 * and the counters are safe for all threads.
 */
#include "cache/store.h"
#include "placement/place.h"

#include <netinet/in.h>

struct worker;

struct node_peer {
	const char *name;
	struct in_addr addr;
	unsigned weight;
};

struct node_site {
	const char *const *hosts; /* lower case; "*" is any */
	size_t nhosts;
	const char *origin_host;
	uint16_t origin_port;
};

struct node_prefix {
	struct in_addr addr;
	unsigned bits;
};

/* All borrowed; must outlive the node. */
struct node_config {
	const char *cluster;
	struct in_addr vip;
	uint16_t vip_port, peer_port;
	const struct policy *policy;
	const struct node_peer *peers; /* all nodes of the cluster */
	size_t npeers;
	size_t self; /* index into peers */
	const struct node_site *sites;
	size_t nsites;
	const struct node_prefix *forward; /* clients that may use absolute
					      form for any host */
	size_t nforward;
	unsigned workers; /* >= 1 */
	uint64_t cache_bytes, object_max_bytes;
	uint64_t head_timeout_ns, idle_timeout_ns, origin_timeout_ns;
	const char *admin_socket;
};

struct counters {
#define COUNTER(name, meaning) _Atomic uint64_t name;
#include "proxy/counters.def"
#undef COUNTER
};

struct node {
	const struct node_config *config;
	struct view view;
	uint64_t view_checksum;
	_Atomic uint64_t turn; /* of policies that take turns */
	struct store *store;
	struct budget flight; /* bytes on their way, in no store */
	struct worker **workers;
	uint64_t started_ns;
	char cdn_id[80];	 /* how CDN-Loop names us (RFC 8586) */
	struct str via;		 /* owned: our field line in answers */
	struct str cache_status; /* owned: the beginning of ours */
};

/* Runs until SIGTERM or SIGINT, drains, and returns the exit status. Logs why
 * it could not start. */
int node_run(const struct node_config *config);

/* c has one writer, the worker that it belongs to */
static inline void
count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c,
		atomic_load_explicit(c, memory_order_relaxed) + n,
		memory_order_relaxed);
}
