#pragma once
/*
 * struct node: this process as a member of the cluster. What it points to is
 * made before the workers start and does not change while they run; the store
 * and the counters are safe for all threads.
 */
#include "cache/store.h"
#include "distill/class.h"
#include "http/head.h"
#include "placement/place.h"
#include "proxy/scarcity.h"

#include <netinet/in.h>
#include <pthread.h>

struct handoff;
struct heat;
struct membership;
struct origins;
struct purge_log;
struct worker;

struct node_peer {
	const char *name;
	struct in_addr addr;
	unsigned weight;
};

struct node_origin {
	const char *host; /* name or address */
	uint16_t port;
	unsigned weight; /* >= 1 */
};

enum { NODE_ORIGINS_MAX = 64 }; /* of a site */

struct node_site {
	const char *const *hosts; /* lower case; "*" is any */
	size_t nhosts;
	const struct node_origin *origins;
	size_t norigins;	/* >= 1 */
	const char *check_path; /* NULL: no checks */
	uint64_t check_interval_ns;
	unsigned check_fall, check_rise; /* >= 1 */
	struct distill_rules distill;
};

struct node_place {
	const struct policy *policy;
	struct place_params params;
};

/* Nodes that share the keys of some requests. */
struct node_group {
	const char *name;
	struct node_place place;
	const char *const *nodes; /* names */
	size_t nnodes;
};

/* ... of which ones: what is NULL is not looked at, and each of the others
 * fits. Patterns are glob.h's. */
struct node_rule {
	size_t group;
	const char *host, *path;
	const char *header; /* its name */
	const char *value;  /* a pattern */
};

enum { NODE_GROUPS_MAX = 32 };

struct node_prefix {
	struct in_addr addr;
	unsigned bits;
};

struct node_prefixes {
	const struct node_prefix *v;
	size_t n;
};

/* Does one of them have addr, which is IPv4 as sock_mapped() has it? */
bool
node_prefixes_have(const struct node_prefixes *p, const struct in6_addr *addr);

/* Is a connection moved to the owner of what is asked for? */
enum node_handoff { NODE_HANDOFF_OFF, NODE_HANDOFF_AUTO, NODE_HANDOFF_ON };

/* Of a request; what is beyond one has a status of its own. */
struct node_limits {
	uint64_t line_bytes, field_bytes, head_bytes;
	unsigned fields;
	uint64_t body_bytes; /* UINT64_MAX: no limit */
};

/* All borrowed; must outlive the node. */
struct node_config {
	const char *cluster;
	struct in_addr vip;
	uint16_t vip_port, peer_port;
	struct in6_addr vip6; /* unspecified: clients come over IPv4 only */
	uint16_t status_port; /* 0: none */
	struct node_place place;
	const struct node_group *groups;
	size_t ngroups;
	const struct node_rule *rules; /* the first that fits counts */
	size_t nrules;
	unsigned copies_pct, bound_pct; /* bound 0: none */
	uint64_t warmup_ns, ramp_ns;	/* 0: none */
	const struct node_peer *peers;	/* all nodes, as the file has them; who
					   is in the cluster by now is known to
					   struct membership */
	size_t npeers;
	size_t self; /* index into peers */
	const struct node_site *sites;
	size_t nsites;
	struct node_prefixes forward;  /* clients that may use absolute form
					  for any host */
	const uint16_t *connect_ports; /* that they may CONNECT to */
	size_t nconnect_ports;
	struct node_prefixes proxy_protocol; /* whose connections begin so */
	unsigned workers;		     /* >= 1 */
	enum node_handoff handoff;
	bool steers_at_xdp; /* if that can be */
	struct str secret;  /* p == NULL: there is none */
	uint64_t cache_bytes, object_max_bytes;
	bool passes; /* stores nothing: the origins are a cache of its own */
	/* of clients */
	uint64_t head_timeout_ns, body_timeout_ns, idle_timeout_ns;
	uint64_t tunnel_timeout_ns;
	unsigned min_rate_bytes; /* a second; 0: any */
	struct node_limits limits;
	/* of origins */
	uint64_t connect_timeout_ns, first_byte_timeout_ns, between_timeout_ns;
	uint64_t origin_keepalive_ns;
	unsigned origin_idle_max; /* per worker and address */
	struct in_addr resolver;  /* port 0: the system's */
	uint16_t resolver_port;
	const char *admin_socket;
};

struct counters {
#define COUNTER(name, meaning) _Atomic uint64_t name;
#include "proxy/counters.def"
#undef COUNTER
};

struct node {
	const struct node_config *config;
	struct head_limits head_limits; /* of clients' requests */
	struct membership *membership;	/* owned */
	struct heat *heat;		/* owned */
	struct purge_log *purges;	/* owned */
	_Atomic int handover;		/* see handover.h */
	_Atomic uint64_t handed_over, to_hand_over;
	uint64_t rules_checksum; /* see membership.h */
	struct store *store;
	struct origins *origins;  /* by site */
	struct handoff *handoff;  /* owned; NULL: no connection is moved */
	struct scarcity scarcity; /* the first worker's: heat looks at links,
				     handoff at processors */
	struct budget flight;	  /* bytes on their way, in no store */
	_Atomic unsigned links[VIEW_MAX_NODES]; /* workers that have a channel
						   to this peer */
	struct worker **workers;
	_Atomic bool deaf;	     /* a worker could not listen for clients */
	pthread_mutex_t depots_lock; /* guards the list and its depots'
					arrivals: a connection may be accepted
					by another worker than it is for */
	struct list depots;	     /* struct depot */
	uint64_t started_ns;
	char cdn_id[80];	 /* how CDN-Loop names us (RFC 8586) */
	struct str via;		 /* owned: our field line in answers */
	struct str cache_status; /* owned: via, and the beginning of ours */
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
