/* Kinds of a cluster's parameters: see kind.h. */
#include "conf/kind.h"

#include <arpa/inet.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/own.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define DNS_PORT 53

static const char *const handoff_names[] = {
	[CONF_HANDOFF_AUTO] = "auto",
	[CONF_HANDOFF_ON] = "on",
	[CONF_HANDOFF_OFF] = "off",
};

static const char *const hook_names[] = {
	[CONF_HOOK_TC] = "tc",
	[CONF_HOOK_XDP] = "xdp",
};

/* -1: it is none. */
static int
find_name(const char *const names[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

const char *
conf_handoff_name(enum conf_handoff h)
{
	return handoff_names[h];
}

bool
conf_handoff_find(const char *name, enum conf_handoff *out)
{
	int i = find_name(handoff_names, COUNT_OF(handoff_names), name);

	if (i >= 0)
		*out = (enum conf_handoff)i;
	return i >= 0;
}

const char *
conf_hook_name(enum conf_hook h)
{
	return hook_names[h];
}

bool
conf_hook_find(const char *name, enum conf_hook *out)
{
	int i = find_name(hook_names, COUNT_OF(hook_names), name);

	if (i >= 0)
		*out = (enum conf_hook)i;
	return i >= 0;
}

/* ADDRESS:PORT: vip and vip_port */
static bool
set_addr_port(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf *c = container_of(member, struct conf, vip);

	return read_addr_port(e, args[0], &c->vip, &c->vip_port);
}

static bool
write_addr_port(struct buf *b, const void *member, size_t i)
{
	const struct conf *c = container_of(member, struct conf, vip);

	write_addr(b, c->vip);
	buf_printf(b, ":%u", c->vip_port);
	return true;
}

const struct kind kind_addr_port = {"ADDRESS:PORT", "192.0.2.10:80", 1, 1,
	false, set_addr_port, write_addr_port};

/* one of a few names */
static bool
set_handoff(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	unsigned i;

	if (!read_choice(e, args[0], "way", handoff_names,
		    COUNT_OF(handoff_names), &i))
		return false;
	*(enum conf_handoff *)member = (enum conf_handoff)i;
	return true;
}

static bool
write_handoff(struct buf *b, const void *member, size_t i)
{
	buf_z(b, handoff_names[*(const enum conf_handoff *)member]);
	return true;
}

const struct kind kind_handoff = {
	"auto | on | off", "auto", 1, 1, false, set_handoff, write_handoff};

static bool
set_hook(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	unsigned i;

	if (!read_choice(
		    e, args[0], "hook", hook_names, COUNT_OF(hook_names), &i))
		return false;
	*(enum conf_hook *)member = (enum conf_hook)i;
	return true;
}

static bool
write_hook(struct buf *b, const void *member, size_t i)
{
	buf_z(b, hook_names[*(const enum conf_hook *)member]);
	return true;
}

const struct kind kind_hook = {
	"tc | xdp", "tc", 1, 1, false, set_hook, write_hook};

/* NAME ADDRESS [weight N]: nodes and nnodes */
static bool
is_new_node(struct conf_errors *e, const struct arg *args, const struct conf *c,
	const struct conf_node *node)
{
	bool fine = true;

	for (size_t i = 0; fine && i < c->nnodes; i++) {
		if (!strcmp(c->nodes[i].name, node->name)) {
			mistake(e, args[0].at,
				"there is a node %s already\n"
				"give each node a name of its own",
				quote(args[0].text).z);
			fine = false;
		}
		if (c->nodes[i].addr.s_addr == node->addr.s_addr) {
			mistake(e, args[1].at,
				"%s is the address of node `%s` already\n"
				"give each node an address of its own",
				quote(args[1].text).z, c->nodes[i].name);
			fine = false;
		}
	}
	return fine;
}

static bool
set_node(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf *c = container_of(member, struct conf, nodes);
	own_free char *name = NULL;
	struct conf_node node;
	bool named = read_name(e, args[0], &name);
	bool placed = read_addr(e, args[1], &node.addr);
	bool weighed = read_weight(
		e, args + 2, nargs - 2, "the node's address", &node.weight);

	if (!named || !placed || !weighed)
		return false;
	node.name = name;
	if (!is_new_node(e, args, c, &node))
		return false;
	c->nodes = xrealloc(c->nodes, (c->nnodes + 1) * sizeof(*c->nodes));
	c->nodes[c->nnodes++] = node;
	(void)take_ptr(&name);
	return true;
}

static bool
write_node(struct buf *b, const void *member, size_t i)
{
	const struct conf *c = container_of(member, struct conf, nodes);

	if (i >= c->nnodes)
		return false;
	buf_printf(b, "%s ", c->nodes[i].name);
	write_addr(b, c->nodes[i].addr);
	buf_printf(b, " weight %u", c->nodes[i].weight);
	return true;
}

const struct kind kind_node = {"NAME ADDRESS [weight N]",
	"n1 10.0.0.11 weight 2", 2, 4, true, set_node, write_node};

/* PREFIX... */
static bool
set_prefixes(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf_prefixes *all = member;
	bool fine = true;

	for (size_t i = 0; i < nargs; i++) {
		struct conf_prefix prefix;

		if (!read_prefix(e, args[i], &prefix)) {
			fine = false;
			continue;
		}
		all->v = xrealloc(all->v, (all->n + 1) * sizeof(*all->v));
		all->v[all->n++] = prefix;
	}
	return fine;
}

static bool
write_prefixes(struct buf *b, const void *member, size_t i)
{
	const struct conf_prefixes *all = member;

	if (i >= all->n)
		return false;
	write_addr(b, all->v[i].addr);
	buf_printf(b, "/%u", all->v[i].bits);
	return true;
}

const struct kind kind_prefixes = {"PREFIX...", "10.0.0.0/8", 1, UINT32_MAX,
	true, set_prefixes, write_prefixes};

static bool
set_addr6(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_addr6(e, args[0], member);
}

static bool
write_addr6(struct buf *b, const void *member, size_t i)
{
	char z[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)member))
		return false;
	buf_z(b, inet_ntop(AF_INET6, member, z, sizeof(z)));
	return true;
}

const struct kind kind_addr6 = {
	"ADDRESS", "2001:db8::10", 1, 1, false, set_addr6, write_addr6};

/* ADDRESS[:PORT]: resolver and resolver_port */
static bool
set_resolver(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf *c = container_of(member, struct conf, resolver);

	if (memchr(args[0].text.p, ':', args[0].text.n))
		return read_addr_port(
			e, args[0], &c->resolver, &c->resolver_port);
	c->resolver_port = DNS_PORT;
	return read_addr(e, args[0], &c->resolver);
}

static bool
write_resolver(struct buf *b, const void *member, size_t i)
{
	const struct conf *c = container_of(member, struct conf, resolver);

	if (!c->resolver_port)
		return false;
	write_addr(b, c->resolver);
	buf_printf(b, ":%u", c->resolver_port);
	return true;
}

const struct kind kind_resolver = {"ADDRESS[:PORT]", "10.0.0.53", 1, 1, false,
	set_resolver, write_resolver};

static bool
set_port(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_port(e, args[0], member);
}

static bool
write_port(struct buf *b, const void *member, size_t i)
{
	buf_u64(b, *(const uint16_t *)member);
	return true;
}

const struct kind kind_port = {
	"PORT", "7077", 1, 1, false, set_port, write_port};

static bool
set_port_or_off(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (!is_off(args[0]))
		return read_port(e, args[0], member);
	*(uint16_t *)member = 0;
	return true;
}

static bool
write_port_or_off(struct buf *b, const void *member, size_t i)
{
	if (*(const uint16_t *)member)
		return write_port(b, member, i);
	buf_z(b, "off");
	return true;
}

const struct kind kind_port_or_off = {
	"off | PORT", "7078", 1, 1, false, set_port_or_off, write_port_or_off};

static bool
set_ports(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf_ports *all = member;
	bool fine = true;

	for (size_t i = 0; i < nargs; i++) {
		uint16_t port;

		if (!read_port(e, args[i], &port)) {
			fine = false;
			continue;
		}
		all->v = xrealloc(all->v, (all->n + 1) * sizeof(*all->v));
		all->v[all->n++] = port;
	}
	return fine;
}

static bool
write_ports(struct buf *b, const void *member, size_t i)
{
	const struct conf_ports *all = member;

	if (i >= all->n)
		return false;
	buf_u64(b, all->v[i]);
	return true;
}

const struct kind kind_ports = {
	"PORT...", "443 8443", 1, UINT32_MAX, true, set_ports, write_ports};

static bool
set_file(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_file(e, args[0], member);
}

/* Quoted: it may have blanks. */
static bool
write_file(struct buf *b, const void *member, size_t i)
{
	const char *path = *(char *const *)member;

	if (!path)
		return false;
	buf_printf(b, "\"%s\"", path);
	return true;
}

const struct kind kind_file = {
	"FILE", "/etc/sevenfold.secret", 1, 1, false, set_file, write_file};
