/* Kinds of parameters about who owns what: see kind.h. */
#include "conf/kind_place.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/kind.h"

#define POINTS_MAX 4096

/* POLICY [points N] [local|shared] */
static bool
read_policy(struct conf_errors *e, struct arg a, const struct policy **out)
{
	const char *names[16];
	unsigned i;

	for (i = 0; i < npolicies; i++)
		names[i] = policies[i]->name;
	if (!read_choice(e, a, "policy", names, npolicies, &i))
		return false;
	*out = policies[i];
	return true;
}

/* The words that follow a policy's name: as many as are about it. */
static bool
read_place(struct conf_errors *e, const struct arg *args, size_t nargs,
	struct conf_place *out, size_t *used)
{
	size_t i = 1;

	if (!read_policy(e, args[0], &out->policy))
		return false;
	if (out->policy->points && nargs > i + 1 &&
		str_eq(args[i].text, STR("points"))) {
		if (!read_count(e, args[i + 1], "number of points", POINTS_MAX,
			    &out->points))
			return false;
		i += 2;
	}
	if (out->policy == &policy_ht_rr && nargs > i &&
		(str_eq(args[i].text, STR("shared")) ||
			str_eq(args[i].text, STR("local"))))
		out->shared = args[i++].text.p[0] == 's';
	*used = i;
	return true;
}

static void
write_place(struct buf *b, const struct conf_place *p)
{
	buf_z(b, p->policy->name);
	if (p->points)
		buf_printf(b, " points %u", p->points);
	if (p->policy == &policy_ht_rr)
		buf_z(b, p->shared ? " shared" : " local");
}

static bool
set_policy(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf_place p = {0};
	size_t used;

	if (!read_place(e, args, nargs, &p, &used))
		return false;
	if (used < nargs) {
		mistake(e, args[used].at,
			"unexpected %s after the policy `%s`\n%s",
			quote(args[used].text).z, p.policy->name,
			p.policy->points ? "write `points N`, or end the line"
				: p.policy == &policy_ht_rr
				? "write `local` or `shared`, or end the line"
				: "end the line; this policy has no "
				  "parameters");
		return false;
	}
	*(struct conf_place *)member = p;
	return true;
}

static bool
write_policy(struct buf *b, const void *member, size_t i)
{
	write_place(b, member);
	return true;
}

const struct kind kind_policy = {"NAME [points N] [local | shared]", "hrw", 1,
	4, false, set_policy, write_policy};

/* NAME [policy POLICY...] NODE...: groups and ngroups */
static bool
is_in(char *const *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_z(names[i]), name))
			return true;
	return false;
}

static bool
add_group_node(struct conf_errors *e, const struct conf *c, struct arg a,
	struct conf_group *g)
{
	bool known = false;

	for (size_t i = 0; i < c->nnodes; i++)
		known |= str_eq(a.text, str_z(c->nodes[i].name));
	if (!known) {
		mistake(e, a.at,
			"there is no node %s before this line\n"
			"name nodes of the cluster; `node` lines come first",
			quote(a.text).z);
		return false;
	}
	if (is_in(g->nodes, g->nnodes, a.text)) {
		mistake(e, a.at,
			"%s is in the group already\nname each node once",
			quote(a.text).z);
		return false;
	}
	g->nodes = xrealloc(g->nodes, (g->nnodes + 1) * sizeof(*g->nodes));
	g->nodes[g->nnodes++] = xstrndup(a.text.p, a.text.n);
	return true;
}

static bool
read_group(struct conf_errors *e, const struct conf *c, const struct arg *args,
	size_t nargs, struct conf_group *g)
{
	size_t at = 1, used = 0;

	if (!read_name(e, args[0], &g->name))
		return false;
	for (size_t i = 0; i < c->ngroups; i++)
		if (!strcmp(c->groups[i].name, g->name)) {
			mistake(e, args[0].at,
				"there is a group %s already\n"
				"give each group a name of its own",
				quote(args[0].text).z);
			return false;
		}
	if (nargs > 2 && str_eq(args[1].text, STR("policy"))) {
		if (!read_place(e, args + 2, nargs - 2, &g->place, &used))
			return false;
		at = 2 + used;
	}
	if (at == nargs) {
		mistake(e, args[nargs - 1].at,
			"a group without nodes\n"
			"write `group NAME NODE...`, like `group images n1 "
			"n2`");
		return false;
	}
	for (; at < nargs; at++)
		if (!add_group_node(e, c, args[at], g))
			return false;
	return true;
}

static void
group_fini(struct conf_group *g)
{
	for (size_t i = 0; i < g->nnodes; i++)
		free(g->nodes[i]);
	free(g->nodes);
	free(g->name);
}

static bool
set_group(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf *c = container_of(member, struct conf, groups);
	struct conf_group g = {0};

	if (c->ngroups == CONF_GROUPS_MAX) {
		mistake(e, args[0].at,
			"more than %u groups\nmake do with fewer",
			CONF_GROUPS_MAX);
		return false;
	}
	if (!read_group(e, c, args, nargs, &g)) {
		group_fini(&g);
		return false;
	}
	c->groups = xrealloc(c->groups, (c->ngroups + 1) * sizeof(*c->groups));
	c->groups[c->ngroups++] = g;
	return true;
}

static bool
write_group(struct buf *b, const void *member, size_t i)
{
	const struct conf *c = container_of(member, struct conf, groups);
	const struct conf_group *g = c->groups + i;

	if (i >= c->ngroups)
		return false;
	buf_z(b, g->name);
	if (g->place.policy) {
		buf_z(b, " policy ");
		write_place(b, &g->place);
	}
	for (size_t j = 0; j < g->nnodes; j++)
		buf_printf(b, " %s", g->nodes[j]);
	return true;
}

const struct kind kind_group = {"NAME [policy POLICY] NODE...", "images n1 n2",
	2, UINT32_MAX, true, set_group, write_group};

/* GROUP [host PATTERN] [path PATTERN] [header NAME [PATTERN]] */
static bool
read_pattern(struct conf_errors *e, struct arg a, char **out)
{
	if (a.text.n == 0 || a.text.n > 1024 ||
		memchr(a.text.p, '"', a.text.n)) {
		mistake(e, a.at,
			"%s can't be a pattern\n"
			"write up to 1024 characters other than quotes, like "
			"`*.jpg`",
			quote(a.text).z);
		return false;
	}
	*out = xstrndup(a.text.p, a.text.n);
	return true;
}

static bool
is_condition(struct arg a)
{
	return str_eq(a.text, STR("host")) || str_eq(a.text, STR("path")) ||
		str_eq(a.text, STR("header"));
}

/* One condition: how many words it took, 0 if it was wrong. */
static size_t
read_condition(struct conf_errors *e, const struct arg *args, size_t nargs,
	struct conf_rule *r)
{
	bool host = str_eq(args[0].text, STR("host"));
	bool path = str_eq(args[0].text, STR("path"));
	char **out = host ? &r->host : path ? &r->path : &r->header;

	if (!is_condition(args[0]) || nargs < 2) {
		mistake(e, args[0].at,
			"unexpected %s in a rule\n"
			"write `host PATTERN`, `path PATTERN` or "
			"`header NAME [PATTERN]`",
			quote(args[0].text).z);
		return 0;
	}
	if (*out) {
		mistake(e, args[0].at,
			"a second %s in a rule\n"
			"write a rule for each",
			quote(args[0].text).z);
		return 0;
	}
	if (!read_pattern(e, args[1], out))
		return 0;
	if (host || path || nargs < 3 || is_condition(args[2]))
		return 2;
	return read_pattern(e, args[2], &r->value) ? 3 : 0;
}

static bool
read_rule(struct conf_errors *e, const struct conf *c, const struct arg *args,
	size_t nargs, struct conf_rule *r)
{
	size_t used;
	bool known = false;

	for (size_t i = 0; i < c->ngroups; i++)
		known |= str_eq(args[0].text, str_z(c->groups[i].name));
	if (!known) {
		mistake(e, args[0].at,
			"there is no group %s before this line\n"
			"write `group %.*s NODE...` first",
			quote(args[0].text).z, STR_ARG(args[0].text));
		return false;
	}
	r->group = xstrndup(args[0].text.p, args[0].text.n);
	for (size_t i = 1; i < nargs; i += used)
		if (!(used = read_condition(e, args + i, nargs - i, r)))
			return false;
	return true;
}

static void
rule_fini(struct conf_rule *r)
{
	free(r->group);
	free(r->host);
	free(r->path);
	free(r->header);
	free(r->value);
}

static bool
set_rule(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf *c = container_of(member, struct conf, rules);
	struct conf_rule r = {0};

	if (c->nrules == CONF_RULES_MAX) {
		mistake(e, args[0].at, "more than %u rules\nmake do with fewer",
			CONF_RULES_MAX);
		return false;
	}
	if (!read_rule(e, c, args, nargs, &r)) {
		rule_fini(&r);
		return false;
	}
	c->rules = xrealloc(c->rules, (c->nrules + 1) * sizeof(*c->rules));
	c->rules[c->nrules++] = r;
	return true;
}

/* Quoted: it may have characters that mean something outside of quotes. */
static void
write_condition(struct buf *b, const char *name, const char *pattern)
{
	if (pattern)
		buf_printf(b, " %s \"%s\"", name, pattern);
}

static bool
write_rule(struct buf *b, const void *member, size_t i)
{
	const struct conf *c = container_of(member, struct conf, rules);
	const struct conf_rule *r = c->rules + i;

	if (i >= c->nrules)
		return false;
	buf_z(b, r->group);
	write_condition(b, "host", r->host);
	write_condition(b, "path", r->path);
	write_condition(b, "header", r->header);
	if (r->value)
		buf_printf(b, " \"%s\"", r->value);
	return true;
}

const struct kind kind_rule = {
	"GROUP [host PATTERN] [path PATTERN] [header NAME [PATTERN]]",
	"images path *.jpg", 3, 8, true, set_rule, write_rule};

void
conf_free_places(struct conf *c)
{
	for (size_t i = 0; i < c->ngroups; i++)
		group_fini(&c->groups[i]);
	for (size_t i = 0; i < c->nrules; i++)
		rule_fini(&c->rules[i]);
	free(c->groups);
	free(c->rules);
}

/* 1 to 64, in hundredths */
static bool
read_ratio(struct conf_errors *e, struct arg a, unsigned *pct)
{
	struct str rest = a.text, whole;
	uint64_t n, part = 0;

	(void)str_split(&rest, '.', &whole);
	if (str_u64(whole, VIEW_MAX_NODES, &n) < 0 || n < 1 ||
		(rest.p && (rest.n > 2 || str_u64(rest, 99, &part) < 0))) {
		mistake(e, a.at,
			"%s can't be a ratio\n"
			"write 1 to %u with at most two decimals, like `1.35`",
			quote(a.text).z, VIEW_MAX_NODES);
		return false;
	}
	*pct = (unsigned)(n * 100 + (rest.n == 1 ? part * 10 : part));
	return true;
}

static bool
set_ratio(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_ratio(e, args[0], member);
}

static bool
write_ratio(struct buf *b, const void *member, size_t i)
{
	unsigned pct = *(const unsigned *)member;

	buf_printf(b, "%u.%02u", pct / 100, pct % 100);
	return true;
}

const struct kind kind_ratio = {
	"RATIO", "1.35", 1, 1, false, set_ratio, write_ratio};

static bool
set_ratio_or_off(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (!str_eq(args[0].text, STR("off")))
		return read_ratio(e, args[0], member);
	*(unsigned *)member = 0;
	return true;
}

static bool
write_ratio_or_off(struct buf *b, const void *member, size_t i)
{
	if (*(const unsigned *)member)
		return write_ratio(b, member, i);
	buf_z(b, "off");
	return true;
}

const struct kind kind_ratio_or_off = {"off | RATIO", "1.25", 1, 1, false,
	set_ratio_or_off, write_ratio_or_off};
