#pragma once
/*
 * The configuration: one file, the same on every node and on the balancer.
 * docs/sevenfold.conf.5 is the grammar; params.def has a row per parameter.
 *
 * A loaded struct conf is immutable and owns all that it points to. Loading
 * reports every mistake, not just the first, each with line, column and what
 * to write instead.
 */
#include "base/buf.h"
#include "placement/place.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_node {
	char *name;
	struct in_addr addr;
	unsigned weight; /* 1..1000 */
};

struct conf_prefix {
	struct in_addr addr; /* host bits zero */
	unsigned bits;	     /* 0..32 */
};

struct conf_prefixes {
	struct conf_prefix *v; /* owned, in the file's order */
	size_t n;
};

struct conf_ports {
	uint16_t *v; /* owned, in the file's order */
	size_t n;
};

enum { CONF_ORIGINS_MAX = 64, CONF_WIDTHS_MAX = 8 }; /* of one site */

struct conf_origin {
	char *host; /* a name or an IPv4 address */
	uint16_t port;
	unsigned weight; /* 1..1000 */
};

struct conf_site {
	char **hosts; /* lower case; "*" is any host */
	size_t nhosts;
	struct conf_origin *origins; /* in the file's order */
	size_t norigins;
	char *check_path; /* NULL: no checks */
	uint64_t check_interval_ns;
	unsigned check_fall, check_rise;
	struct {
		bool images, text, avif;
	} distill;
	uint64_t distill_wait_ns;
	uint16_t distill_widths[CONF_WIDTHS_MAX + 1];	/* rising, then 0 */
	unsigned distill_quality, distill_save_quality; /* 1..100 */
	char *distill_original; /* a query's parameter; NULL: none */
};

/* A policy and its parameters. */
struct conf_place {
	const struct policy *policy; /* NULL, of a group: the cluster's */
	unsigned points;	     /* 0: the policy's own */
	bool shared;		     /* of ht_rr */
};

/* Nodes that share the keys of the requests that rules send to them. */
struct conf_group {
	char *name;
	struct conf_place place;
	char **nodes; /* names, owned */
	size_t nnodes;
};

/* Which requests go to a group. What is NULL is not looked at. */
struct conf_rule {
	char *group;
	char *host, *path; /* patterns */
	char *header;	   /* its name */
	char *value;	   /* a pattern; NULL: the header is there */
};

enum { CONF_GROUPS_MAX = 32, CONF_RULES_MAX = 256 };
enum conf_handoff { CONF_HANDOFF_AUTO, CONF_HANDOFF_ON, CONF_HANDOFF_OFF };
enum conf_hook { CONF_HOOK_TC, CONF_HOOK_XDP };
enum conf_driver { CONF_DRIVER_XDP, CONF_DRIVER_IPVS };
enum conf_xdp { CONF_XDP_AUTO, CONF_XDP_NATIVE, CONF_XDP_GENERIC };

struct conf {
	/* cluster NAME { } */
	char *cluster;
	struct in_addr vip;
	uint16_t vip_port;    /* host order, as all ports here */
	struct in6_addr vip6; /* unspecified: there is none */
	struct conf_place place;
	struct conf_group *groups; /* in the file's order */
	size_t ngroups;
	struct conf_rule *rules; /* in the file's order: the first that fits */
	size_t nrules;
	unsigned copies_pct; /* of an object, on average, in hundredths */
	unsigned bound_pct;  /* of a node's load by the mean; 0: none */
	uint64_t warmup_ns, ramp_ns;
	struct conf_node *nodes; /* in the file's order */
	size_t nnodes;
	struct conf_prefixes forward;	 /* who may use us as a forward proxy */
	struct conf_ports connect_ports; /* that they may CONNECT to */
	struct conf_prefixes proxy_protocol; /* whose connections begin so */
	uint16_t peer_port;
	uint16_t status_port; /* 0: none */
	uint16_t cache_port;  /* of cache_host */
	enum conf_handoff handoff;
	enum conf_hook hook; /* at which packets are steered */
	char *secret_file;   /* NULL: none */
	unsigned workers;    /* 0: one per core */
	uint64_t cache_bytes;
	char *cache_host; /* of another cache in its place; NULL: none */
	uint64_t object_max_bytes;
	uint64_t head_timeout_ns;
	uint64_t body_timeout_ns;
	uint64_t idle_timeout_ns;
	uint64_t tunnel_timeout_ns;
	unsigned min_rate_bytes; /* a second; 0: any rate will do */
	uint64_t request_line_max_bytes, field_max_bytes, head_max_bytes;
	unsigned fields_max;
	uint64_t body_max_bytes; /* UINT64_MAX: no limit */
	uint64_t connect_timeout_ns;
	uint64_t first_byte_timeout_ns;
	uint64_t between_timeout_ns;
	uint64_t origin_keepalive_ns;
	unsigned origin_idle_max;
	struct in_addr resolver; /* 0: the system's */
	uint16_t resolver_port;

	/* balancer { } */
	char *interface; /* NULL: the one with the route to the first node */
	enum conf_xdp xdp;
	enum conf_driver driver;
	unsigned scheduler; /* enum l4_scheduler */
	unsigned flows;
	uint64_t slow_start_ns; /* 0: none */
	char *check_http;	/* NULL: only that it accepts */
	uint64_t check_interval_ns;
	uint64_t check_timeout_ns;
	unsigned check_fall, check_rise;

	/* site HOST... { }, in the file's order */
	struct conf_site *sites;
	size_t nsites;
};

struct conf_error {
	unsigned line, column; /* from 1 */
	char *text;	       /* what is wrong */
	char *hint;	       /* what to write instead */
};

struct conf_errors {
	struct conf_error *v; /* owned */
	size_t n;
};

/* Parses text. 0 and *out, or -EINVAL with at least one error; errors is
 * always valid afterwards, to be freed with conf_errors_fini(). */
int conf_parse(struct str text, struct conf **out, struct conf_errors *errors);
/* Reads path ("-" is standard input) and parses it. -EINVAL when there are
 * mistakes, which it prints to stderr as "file:line:col: text; hint"; another
 * negative errno when the file can't be read, which it says there too. */
int conf_load(const char *path, struct conf **out);
void conf_errors_fini(struct conf_errors *errors);
void conf_free(struct conf *c); /* NULL is fine */
/* Appends c as a configuration's text, with all defaults written out. */
void conf_dump(const struct conf *c, struct buf *out);
/* -1 when there is no such node */
int conf_node_index(const struct conf *c, const char *name);
const char *conf_handoff_name(enum conf_handoff h);
/* False, and *out untouched, if it is none. */
bool conf_handoff_find(const char *name, enum conf_handoff *out);
const char *conf_hook_name(enum conf_hook h);
bool conf_hook_find(const char *name, enum conf_hook *out);
