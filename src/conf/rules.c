/* What must hold between the parts of a configuration: see rules.h. */
#include "conf/rules.h"

#include "http/head.h"

/* What the parser of heads has room for. */
static void
rule_limit(struct conf_errors *e, struct place at, const char *name,
	uint64_t bytes, uint64_t most)
{
	if (bytes > most)
		mistake(e, at,
			"`%s` is more than %llu bytes\n"
			"write `%lluK` at most",
			name, (unsigned long long)most,
			(unsigned long long)most / 1024);
}

void
rules_cluster(struct conf_errors *e, struct conf *c, const struct place *seen)
{
	struct place object_max = seen[PARAM_cluster_object_max];

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
rules_site(struct conf_errors *e, const struct conf *c, struct place at)
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

void
rules_file(struct conf_errors *e, const struct conf *c, struct place cluster,
	bool forward)
{
	if (!cluster.line)
		mistake(e, (struct place){1, 1}, "no `cluster` block\nadd `%s`",
			blocks[BLOCK_cluster].example);
	else if (c->nsites == 0 && !forward)
		mistake(e, cluster,
			"nothing to serve: no `site`, no `forward`\n"
			"add `%s`",
			blocks[BLOCK_site].example);
}
