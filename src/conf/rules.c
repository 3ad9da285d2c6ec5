/* What must hold between the parts of a configuration: see rules.h. */
#include "conf/rules.h"

#include "http/head.h"

/* What the parser of heads has room for. */
static void
rule_limit(struct conf_errors *e, struct position at, const char *name,
	uint64_t bytes, uint64_t most)
{
	if (bytes > most)
		mistake(e, at,
			"`%s` is more than %llu bytes\n"
			"write `%lluK` at most",
			name, (unsigned long long)most,
			(unsigned long long)most / 1024);
}

/* True, and said: the policy knows nothing of the node's weight. */
static bool
is_weighed_in_vain(struct conf_errors *e, struct position at,
	const struct conf_node *n, const struct policy *p)
{
	if (!p || p->weights || n->weight == 1)
		return false;
	mistake(e, at,
		"node `%s` has a weight, of which the policy `%s` knows "
		"nothing\n"
		"leave it out, or choose a policy like `hrw`",
		n->name, p->name);
	return true;
}

static bool
rule_weights_in_group(struct conf_errors *e, const struct conf *c,
	const struct conf_group *g, struct position at)
{
	for (size_t i = 0; i < g->nnodes; i++)
		if (is_weighed_in_vain(e, at,
			    &c->nodes[conf_node_index(c, g->nodes[i])],
			    g->place.policy))
			return false;
	return true;
}

/* One mistake of that kind is enough. */
static void
rule_weights(struct conf_errors *e, const struct conf *c,
	const struct position *seen)
{
	for (size_t i = 0; i < c->nnodes; i++)
		if (is_weighed_in_vain(e, seen[PARAM_cluster_node],
			    &c->nodes[i], c->place.policy))
			return;
	for (size_t i = 0; i < c->ngroups; i++)
		if (!rule_weights_in_group(
			    e, c, &c->groups[i], seen[PARAM_cluster_group]))
			return;
}

/* A node listens for all three at its own address, and each of its workers at
 * the same port: sockets of two kinds would get each other's connections. */
static void
rule_ports(struct conf_errors *e, const struct conf *c,
	const struct position *seen)
{
	const struct {
		const char *name;
		uint16_t port; /* 0: none */
		struct position at;
	} ports[] = {
		{"vip", c->vip_port, seen[PARAM_cluster_vip]},
		{"peer_port", c->peer_port, seen[PARAM_cluster_peer_port]},
		{"status_port", c->status_port,
			seen[PARAM_cluster_status_port]},
	};

	for (size_t i = 1; i < sizeof(ports) / sizeof(ports[0]); i++)
		for (size_t j = 0; j < i; j++)
			if (ports[i].port && ports[i].port == ports[j].port)
				mistake(e,
					ports[i].at.line ? ports[i].at
							 : ports[j].at,
					"`%s` and `%s` are both port %u\n"
					"give each a port of its own",
					ports[j].name, ports[i].name,
					ports[i].port);
}

void
rules_cluster(
	struct conf_errors *e, struct conf *c, const struct position *seen)
{
	struct position object_max = seen[PARAM_cluster_object_max];

	if (!object_max.line)
		c->object_max_bytes = c->cache_bytes / 8;
	else if (c->cache_bytes && c->object_max_bytes > c->cache_bytes)
		mistake(e, object_max,
			"`object_max` is more than `cache`\n"
			"write at most the cache's size; an eighth of it is "
			"the default");
	rule_limit(e, seen[PARAM_cluster_request_line_max], "request_line_max",
		c->request_line_max_bytes, HEAD_MAX_LINE);
	rule_limit(e, seen[PARAM_cluster_field_max], "field_max",
		c->field_max_bytes, HEAD_MAX_BYTES);
	rule_limit(e, seen[PARAM_cluster_head_max], "head_max",
		c->head_max_bytes, HEAD_MAX_BYTES);
	if (c->nnodes > VIEW_MAX_NODES)
		mistake(e, seen[PARAM_cluster_node],
			"%zu nodes\na cluster has at most %u of them",
			c->nnodes, VIEW_MAX_NODES);
	rule_weights(e, c, seen);
	rule_ports(e, c, seen);
	if (c->handoff == CONF_HANDOFF_ON && !c->secret_file)
		mistake(e, seen[PARAM_cluster_handoff],
			"`handoff on` without a `secret`\n"
			"add `secret FILE`, with the same random bytes on each "
			"node");
	for (size_t i = 0; i < c->nnodes; i++)
		if (c->nodes[i].addr.s_addr == c->vip.s_addr)
			mistake(e, seen[PARAM_cluster_vip],
				"the vip is also the address of node `%s`\n"
				"give the vip an address of its own, which all "
				"nodes share",
				c->nodes[i].name);
}

static bool
site_has(const struct conf_site *s, const char *host)
{
	for (size_t i = 0; i < s->nhosts; i++)
		if (!strcmp(s->hosts[i], host))
			return true;
	return false;
}

bool
rules_new_host(struct conf_errors *e, const struct conf *c, struct arg a,
	const char *host)
{
	for (size_t i = 0; i < c->nsites; i++) {
		if (!site_has(&c->sites[i], host))
			continue;
		mistake(e, a.at,
			"there is a site %s already\n"
			"name each host once",
			quote(a.text).z);
		return false;
	}
	return true;
}

void
rules_site(struct conf_errors *e, const struct conf *c, struct position at)
{
	const struct conf_site *last = &c->sites[c->nsites - 1];

	if (last->nhosts > 1 && site_has(last, "*"))
		mistake(e, at,
			"a site for `*` and for hosts of its own\n"
			"write `*` alone; it is any host");
	for (const struct conf_site *s = c->sites; s < last; s++)
		if (last->nhosts > 0 && site_has(s, "*"))
			mistake(e, at,
				"a site after `site *`, which takes all hosts\n"
				"move `site *` to the end");
}

static void
rule_distill(
	struct conf_errors *e, const struct conf *c, struct position cluster)
{
	bool some = false;

	for (size_t i = 0; i < c->nsites; i++)
		some |= c->sites[i].distill.images || c->sites[i].distill.text;
	if (some && c->cache_host)
		mistake(e, cluster,
			"a site with `distill`, but `cache` is another one's, "
			"where originals are stored\n"
			"give `cache` a size, or have that cache distil");
}

void
rules_file(struct conf_errors *e, const struct conf *c, struct position cluster,
	bool forward)
{
	if (!cluster.line)
		mistake(e, (struct position){1, 1},
			"no `cluster` block\nadd `%s`",
			blocks[BLOCK_cluster].example);
	else if (c->nsites == 0 && !forward)
		mistake(e, cluster,
			"nothing to serve: no `site`, no `forward`\n"
			"add `%s`",
			blocks[BLOCK_site].example);
	rule_distill(e, c, cluster);
}
