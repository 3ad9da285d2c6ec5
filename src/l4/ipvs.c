#include "l4/ipvs.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/addr.h"
#include "l4/ipvs_attr.h"
#include "l4/ipvs_flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_NS (NS_PER_S / 10) /* how long counts are as good as new */

struct ipvs {
	struct mnl_socket *socket; /* owned */
	uint16_t family;
	uint32_t seq;
	/* the counts of the service asked about last: */
	struct rules_id counted;
	uint64_t counted_ns;
	struct counted {
		union l4_addr addr;
		uint16_t port;
		struct driver_counts counts;
	} * servers; /* owned */
	size_t nservers;
};

/* --- netlink
 * ------------------------------------------------------------------ */

struct message {
	char bytes[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h;
};

static void
begin(struct ipvs *v, struct message *m, uint16_t type, uint8_t command,
	uint16_t flags)
{
	struct genlmsghdr *g;

	memset(m->bytes, 0, sizeof(m->bytes));
	m->h = mnl_nlmsg_put_header(m->bytes);
	m->h->nlmsg_type = type;
	m->h->nlmsg_flags = NLM_F_REQUEST | flags;
	m->h->nlmsg_seq = ++v->seq;
	g = mnl_nlmsg_put_extra_header(m->h, sizeof(*g));
	g->cmd = command;
	g->version = 1;
}

/* Sends, and gives each answer to fn, until the acknowledgement or the end. */
static int
talk(struct ipvs *v, struct message *m, mnl_cb_t fn, void *arg)
{
	char in[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned id = mnl_socket_get_portid(v->socket);
	ssize_t n;
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(v->socket, m->h, m->h->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(v->socket, in, sizeof(in));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(in, (size_t)n, v->seq, id, fn, arg);
		if (r < 0)
			return -errno;
	}
	return 0;
}

static int
on_family(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};

	(void)mnl_attr_parse(h, sizeof(struct genlmsghdr), ipvs_keep_attr, a);
	*(uint16_t *)ctx = (uint16_t)ipvs_number(a[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

static int
find_family(struct ipvs *v)
{
	struct message m;
	int err;

	begin(v, &m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(m.h, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
	err = talk(v, &m, on_family, &v->family);
	return err ? err : v->family ? 0 : -ENOENT;
}

/* --- commands
 * -------------------------------------------------------------------------- */

static int
no_answer(const struct nlmsghdr *h, void *ctx)
{
	return MNL_CB_OK;
}

static int
service_command(struct ipvs *v, uint8_t command, const struct rules_service *s)
{
	struct message m;

	begin(v, &m, v->family, command, NLM_F_ACK);
	if (command == IPVS_CMD_DEL_SERVICE)
		ipvs_put_id(m.h, &s->id);
	else
		ipvs_put_service(m.h, s);
	return talk(v, &m, no_answer, NULL);
}

static int
server_command(struct ipvs *v, uint8_t command, const struct rules_service *s,
	const struct rules_server *server)
{
	struct message m;

	begin(v, &m, v->family, command, NLM_F_ACK);
	ipvs_put_id(m.h, &s->id);
	ipvs_put_server(m.h, server);
	return talk(v, &m, no_answer, NULL);
}

static int
set_timeouts(struct ipvs *v, const struct rules *r)
{
	struct message m;

	if (!r->tcp_s && !r->fin_s && !r->udp_s)
		return 0;
	begin(v, &m, v->family, IPVS_CMD_SET_CONFIG, NLM_F_ACK);
	mnl_attr_put_u32(m.h, IPVS_CMD_ATTR_TIMEOUT_TCP, r->tcp_s);
	mnl_attr_put_u32(m.h, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, r->fin_s);
	mnl_attr_put_u32(m.h, IPVS_CMD_ATTR_TIMEOUT_UDP, r->udp_s);
	return talk(v, &m, no_answer, NULL);
}

/* --- one set of rules instead of another
 * ------------------------------------------------ */

static bool
same_server(const struct rules_server *a, const struct rules_server *b)
{
	return ipvs_weight(a) == ipvs_weight(b) && a->upper == b->upper &&
		a->lower == b->lower && a->method == b->method &&
		a->tun == b->tun && a->tun_port == b->tun_port;
}

static bool
same_service(const struct rules_service *a, const struct rules_service *b)
{
	return a->scheduler == b->scheduler && a->flags == b->flags &&
		a->persist_s == b->persist_s && addr_same(&a->mask, &b->mask);
}

/* The newest is first in the list, so the last is the first to be made. */
static int
change_servers(struct ipvs *v, const struct rules_service *was,
	const struct rules_service *s)
{
	int err = 0;

	for (size_t i = 0; was && i < was->nservers && !err; i++)
		if (!rules_server(
			    s, &was->servers[i].addr, was->servers[i].port))
			err = server_command(
				v, IPVS_CMD_DEL_DEST, s, &was->servers[i]);
	for (size_t i = s->nservers; i-- > 0 && !err;) {
		const struct rules_server *n = &s->servers[i];
		const struct rules_server *o =
			was ? rules_server(was, &n->addr, n->port) : NULL;

		if (!o)
			err = server_command(v, IPVS_CMD_NEW_DEST, s, n);
		else if (!same_server(o, n))
			err = server_command(v, IPVS_CMD_SET_DEST, s, n);
	}
	return err;
}

static int
change(struct ipvs *v, const struct rules *old, const struct rules *new)
{
	int err = 0;

	for (size_t i = 0; i < old->n && !err; i++)
		if (!rules_find(new, &old->services[i].id))
			err = service_command(
				v, IPVS_CMD_DEL_SERVICE, &old->services[i]);
	for (size_t i = 0; i < new->n && !err; i++) {
		const struct rules_service *s = &new->services[i];
		const struct rules_service *was = rules_find(old, &s->id);

		if (s->nends)
			return -EOPNOTSUPP; /* iptables marks for IPVS */
		if (!was)
			err = service_command(v, IPVS_CMD_NEW_SERVICE, s);
		else if (!same_service(was, s))
			err = service_command(v, IPVS_CMD_SET_SERVICE, s);
		if (!err)
			err = change_servers(v, was, s);
	}
	return err ? err : set_timeouts(v, new);
}

static int read_rules(struct ipvs *v, struct rules **out);

static int
apply(void *ctx, const struct rules *old, struct rules *new)
{
	struct ipvs *v = ctx;
	struct rules *half = NULL;
	int err = change(v, old, new);

	if (err && !read_rules(v, &half)) {
		(void)change(v, half, old); /* back to what was */
		rules_free(half);
	}
	v->counted_ns = 0;
	new->ntrash = 0; /* the kernel has its own */
	return err;
}

/* --- reading
 * --------------------------------------------------------------------------------
 */

struct reading {
	struct ipvs *v;
	struct rules *rules;
	struct rules_service *service; /* whose servers are read */
};

static int
on_service(const struct nlmsghdr *h, void *ctx)
{
	struct reading *r = ctx;
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};
	struct rules_service s;

	(void)mnl_attr_parse(h, sizeof(struct genlmsghdr), ipvs_keep_attr, a);
	if (a[IPVS_CMD_ATTR_SERVICE] &&
		ipvs_get_service(a[IPVS_CMD_ATTR_SERVICE], &s))
		(void)rules_add(r->rules, &s);
	return MNL_CB_OK;
}

static int
on_server(const struct nlmsghdr *h, void *ctx)
{
	struct reading *r = ctx;
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};
	struct rules_server s = {0};
	struct counted *c;

	(void)mnl_attr_parse(h, sizeof(struct genlmsghdr), ipvs_keep_attr, a);
	r->v->servers =
		xrealloc(r->v->servers, (r->v->nservers + 1) * sizeof(*c));
	c = &r->v->servers[r->v->nservers];
	*c = (struct counted){0};
	if (!a[IPVS_CMD_ATTR_DEST] ||
		!ipvs_get_server(a[IPVS_CMD_ATTR_DEST], &s, &c->counts))
		return MNL_CB_OK;
	c->addr = s.addr;
	c->port = s.port;
	r->v->nservers++;
	if (r->service) {
		struct rules_service *to = r->service;

		to->servers = xrealloc(
			to->servers, (to->nservers + 1) * sizeof(*to->servers));
		s.share = 1000;
		s.last_weight = s.weight;
		s.number = (uint16_t)(1 + r->v->nservers % (L4_DESTS_MAX - 1));
		to->servers[to->nservers++] = s;
	}
	return MNL_CB_OK;
}

static int
read_servers(
	struct ipvs *v, const struct rules_id *id, struct rules_service *into)
{
	struct reading r = {.v = v, .service = into};
	struct message m;

	v->nservers = 0;
	begin(v, &m, v->family, IPVS_CMD_GET_DEST, NLM_F_DUMP);
	ipvs_put_id(m.h, id);
	return talk(v, &m, on_server, &r);
}

static int
read_rules(struct ipvs *v, struct rules **out)
{
	struct reading r = {.v = v, .rules = rules_new()};
	struct message m;
	int err;

	begin(v, &m, v->family, IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
	err = talk(v, &m, on_service, &r);
	for (size_t i = 0; i < r.rules->n && !err; i++)
		err = read_servers(
			v, &r.rules->services[i].id, &r.rules->services[i]);
	if (err) {
		rules_free(r.rules);
		return err;
	}
	*out = r.rules;
	return 0;
}

static void
counts(void *ctx, const struct rules_service *s,
	const struct rules_server *server, struct driver_counts *out)
{
	struct ipvs *v = ctx;
	uint64_t now_ns = clock_mono_ns();

	if (!rules_same_id(&v->counted, &s->id) ||
		now_ns - v->counted_ns > FRESH_NS) {
		v->counted = s->id;
		v->counted_ns = now_ns;
		if (read_servers(v, &s->id, NULL))
			v->nservers = 0;
	}
	*out = (struct driver_counts){0};
	for (size_t i = 0; i < v->nservers; i++)
		if (v->servers[i].port == server->port &&
			addr_same(&v->servers[i].addr, &server->addr))
			*out = v->servers[i].counts;
}

/* --- the rest
 * ------------------------------------------------------------------------------------
 */

struct config {
	uint32_t value[IPVS_ATTRS_MAX];
};

static int
on_config(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};
	struct config *c = ctx;

	(void)mnl_attr_parse(h, sizeof(struct genlmsghdr), ipvs_keep_attr, a);
	for (int i = 0; i < IPVS_ATTRS_MAX; i++)
		c->value[i] = (uint32_t)ipvs_number(a[i]);
	return MNL_CB_OK;
}

static struct config
get_config(struct ipvs *v, uint8_t command)
{
	struct config c = {{0}};
	struct message m;

	begin(v, &m, v->family, command, NLM_F_ACK);
	(void)talk(v, &m, on_config, &c);
	return c;
}

static void
timeouts(void *ctx, uint32_t s[3])
{
	struct config c = get_config(ctx, IPVS_CMD_GET_CONFIG);

	s[0] = c.value[IPVS_CMD_ATTR_TIMEOUT_TCP];
	s[1] = c.value[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN];
	s[2] = c.value[IPVS_CMD_ATTR_TIMEOUT_UDP];
}

static uint32_t
size(void *ctx)
{
	return get_config(ctx, IPVS_CMD_GET_INFO)
		.value[IPVS_INFO_ATTR_CONN_TAB_SIZE];
}

static const struct driver_ops ops = {
	.name = "ipvs",
	.apply = apply,
	.counts = counts,
	.flows = ipvs_flows,
	.timeouts = timeouts,
	.size = size,
};

int
ipvs_open(struct ipvs **out, struct rules **rules)
{
	struct ipvs *v = NEW(struct ipvs);
	int err = 0;

	v->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!v->socket || mnl_socket_bind(v->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (!err)
		err = find_family(v);
	if (!err)
		err = read_rules(v, rules);
	if (err) {
		ipvs_close(v);
		return err;
	}
	*out = v;
	return 0;
}

void
ipvs_close(struct ipvs *v)
{
	if (!v)
		return;
	if (v->socket)
		mnl_socket_close(v->socket);
	free(v->servers);
	free(v);
}

struct driver
ipvs_driver(struct ipvs *v)
{
	return (struct driver){&ops, v};
}
