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

struct conf_site {
	char **hosts; /* lower case; "*" is any host */
	size_t nhosts;
	char *origin_host; /* a name or an IPv4 address */
	uint16_t origin_port;
};

enum conf_policy { CONF_HRW, CONF_RR, CONF_MD5 };
enum conf_xdp { CONF_XDP_AUTO, CONF_XDP_NATIVE, CONF_XDP_GENERIC };

struct conf {
	/* cluster NAME { } */
	char *cluster;
	struct in_addr vip;
	uint16_t vip_port; /* host order, as all ports here */
	enum conf_policy policy;
	struct conf_node *nodes; /* in the file's order */
	size_t nnodes;
	struct conf_prefix *forward; /* who may use us as a forward proxy */
	size_t nforward;
	uint16_t peer_port;
	unsigned workers; /* 0: one per core */
	uint64_t cache_bytes;
	uint64_t object_max_bytes;
	uint64_t head_timeout_ns;
	uint64_t idle_timeout_ns;
	uint64_t origin_timeout_ns; /* connect, first byte, between bytes */

	/* balancer { } */
	char *interface; /* NULL: the one with the route to the first node */
	enum conf_xdp xdp;
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
const char *conf_policy_name(enum conf_policy p);
