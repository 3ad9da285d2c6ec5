#include "lab/sevenfold.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>

#include "admin/call.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/squid.h"
#include "lab/state.h"
#include "lab/topo.h"

#define CONF_FILE STATE_DIR "/sevenfold.conf"
#define SECRET_FILE STATE_DIR "/secret"
#define FRONT "front"

/* In front of nodes stands one more that no URL belongs to. */
static void
members(struct buf *b, const struct lab_options *o)
{
	if (o->arch->front)
		buf_printf(b, "    node    " FRONT " %s\n",
			topo_host(TOPO_BALANCER).addr);
	for (unsigned i = 0; i < o->nodes; i++) {
		struct topo_host h = topo_host(TOPO_FIRST_NODE + i);

		buf_printf(b, "    node    %s %s\n", h.name, h.addr);
	}
	if (!o->arch->front)
		return;
	buf_z(b, "    group   caches");
	for (unsigned i = 0; i < o->nodes; i++)
		buf_printf(b, " %s", topo_host(TOPO_FIRST_NODE + i).name);
	buf_z(b, "\n    rule    caches path *\n");
}

void
sevenfold_conf(struct buf *b, const struct lab_options *o,
	const struct topo_host *alone)
{
	static const char *const xdp[] = {[CONF_XDP_AUTO] = "auto",
		[CONF_XDP_NATIVE] = "native",
		[CONF_XDP_GENERIC] = "generic"};

	buf_printf(b,
		"cluster lab {\n"
		"    vip     " LAB_VIP ":80\n"
		"    policy  %s\n"
		"    workers %u\n"
		"    forward " TOPO_NET "\n"
		"%s",
		o->policy ? o->policy->name : policy_hrw.name, lab_workers(o),
		o->arch->params);
	if (o->ipv6)
		buf_z(b, "    vip6    " LAB_VIP6 "\n");
	if (o->one_copy && !o->arch->one_copy)
		buf_z(b, "    copies  1\n    bound   off\n");
	if (o->arch->handoff)
		buf_printf(b,
			"    handoff %s\n"
			"    handoff_hook %s\n"
			"    secret  " SECRET_FILE "\n",
			conf_handoff_name(o->handoff), conf_hook_name(o->hook));
	if (o->squid)
		buf_z(b, "    cache   " SQUID_URL "\n");
	else
		buf_printf(b, "    cache   %lu\n", o->cache_bytes);
	if (alone)
		buf_printf(b, "    node    %s %s\n", alone->name, alone->addr);
	else
		members(b, o);
	buf_printf(b,
		"}\n"
		"balancer {\n"
		"    xdp     %s\n"
		"}\n"
		"site * {\n"
		"    origin  http://" TOPO_ORIGIN_ADDR ":80\n"
		"%s"
		"}\n",
		xdp[o->xdp],
		o->distill && !o->squid ? "    distill images text\n"
					  "    distill_wait 5s\n"
					  "    distill_original original\n"
					: "");
}

static int
check_nodes(const char *path, const struct conf *c, unsigned nodes)
{
	char vip[INET_ADDRSTRLEN], addr[INET_ADDRSTRLEN];
	int r = 0;

	inet_ntop(AF_INET, &c->vip, vip, sizeof(vip));
	if (strcmp(vip, LAB_VIP) != 0) {
		fprintf(stderr,
			"lab: %s: vip %s; in the lab it is " LAB_VIP "\n", path,
			vip);
		r = -EINVAL;
	}
	if (c->nnodes != nodes) {
		fprintf(stderr, "lab: %s: %zu nodes; the lab has %u\n", path,
			c->nnodes, nodes);
		return -EINVAL;
	}
	for (unsigned i = 0; i < nodes; i++) {
		struct topo_host h = topo_host(TOPO_FIRST_NODE + i);
		int at = conf_node_index(c, h.name);

		if (at >= 0)
			inet_ntop(AF_INET, &c->nodes[at].addr, addr,
				sizeof(addr));
		if (at >= 0 && !strcmp(addr, h.addr))
			continue;
		fprintf(stderr, "lab: %s: the lab needs 'node %s %s'\n", path,
			h.name, h.addr);
		r = -EINVAL;
	}
	return r;
}

int
sevenfold_check_conf(const char *path, unsigned nodes)
{
	struct conf *c;
	int r = conf_load(path, &c);

	if (r < 0)
		return r;
	r = check_nodes(path, c, nodes);
	conf_free(c);
	return r;
}

static int
write_secret(void)
{
	uint64_t secret[4];

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	return state_write(SECRET_FILE, secret, sizeof(secret));
}

static int
write_conf(const char *path, const struct lab_options *o,
	const struct topo_host *alone)
{
	struct buf b = {0};
	int r;

	sevenfold_conf(&b, o, alone);
	r = state_write(path, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

/* What all share comes with whoever has the VIP. */
static int
prepare_shared(const struct lab_options *o, const struct topo_host *h)
{
	int r;

	if (o->conf)
		return state_link(o->conf, CONF_FILE);
	r = write_secret();
	return r < 0 ? r : write_conf(CONF_FILE, o, NULL);
}

static int
prepare_node(const struct lab_options *o, const struct topo_host *h)
{
	own_free char *path = daemon_file(&daemon_node, h, "conf");

	return o->arch->alone ? write_conf(path, o, h) : 0;
}

static const char *const *
own_argv(const char *verb, const struct topo_host *h, const char *option,
	const char *value)
{
	static char exe[PATH_MAX], conf[64], sock[64];
	static const char *argv[] = {
		exe, NULL, "-c", conf, "--socket", sock, NULL, NULL, NULL};

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		snprintf(exe, sizeof(exe), "sevenfold");
	snprintf(conf, sizeof(conf), STATE_DIR "/%s.conf", h->name);
	if (access(conf, F_OK) < 0)
		snprintf(conf, sizeof(conf), CONF_FILE);
	snprintf(sock, sizeof(sock), STATE_DIR "/%s.sock", h->name);
	argv[1] = verb;
	argv[6] = option;
	argv[7] = value;
	return argv;
}

static const char *const *
node_argv(const struct topo_host *h)
{
	return own_argv("node", h, "--name", h->name);
}

static const char *const *
front_argv(const struct topo_host *h)
{
	return own_argv("node", h, "--name", FRONT);
}

/* What a lab pins would outlive it. */
static const char *const *
balancer_argv(const struct topo_host *h)
{
	return own_argv("balancer", h, "--pin", "none");
}

/* The answer to "status" on h's admin socket, or NULL. */
static json_t *
ask(const struct topo_host *h, const char *what)
{
	own_free char *path = daemon_file(&daemon_node, h, "sock");
	struct buf b = {0};
	json_t *status = NULL;

	if (admin_call(path, what, 5, &b) == 0)
		status = json_loadb(buf_head(&b), buf_len(&b), 0, NULL);
	buf_fini(&b);
	return status;
}

/* Up; and with a channel of each of the worker's that was asked, where there
 * are any: whoever is not known to all of them is asked by some only. */
static bool
is_up(const json_t *node)
{
	return json_is_true(json_object_get(node, "up")) &&
		!json_is_false(json_object_get(node, "linked"));
}

static size_t
nodes_up(const json_t *status, struct buf *down)
{
	size_t i, n = 0;
	json_t *node;

	json_array_foreach(json_object_get(status, "nodes"), i, node)
	{
		const char *name =
			json_string_value(json_object_get(node, "name"));

		if (is_up(node))
			n++;
		else
			buf_printf(down, " %s", name ? name : "?");
	}
	return n;
}

static bool
is_ready(const struct topo_host *h, unsigned nodes, struct buf *why)
{
	struct buf down = {0};
	json_t *status = ask(h, "status\n");
	size_t n = nodes_up(status, &down);

	if (!status)
		buf_z(why, "does not answer on its socket");
	else
		buf_printf(why, "sees %zu of %u nodes up; not%.*s", n, nodes,
			STR_ARG(buf_view(&down)));
	buf_fini(&down);
	json_decref(status);
	return status && n >= nodes;
}

static uint64_t
counter(const json_t *self, const char *name)
{
	const json_t *all = json_object_get(self, "counters");

	return (uint64_t)json_integer_value(json_object_get(all, name));
}

/* Of itself alone: to ask the others, too, takes long where links are full.
 * What joined a fetch under way did not ask the origin either. */
static int
node_stats(const struct topo_host *h, struct lab_stats *out)
{
	json_t *s = ask(h, "status self\n");

	if (!s)
		return -EIO;
	out->requests = counter(s, "served");
	out->hits = counter(s, "hits") + counter(s, "coalesced");
	out->objects = counter(s, "objects");
	out->bytes = counter(s, "cache_bytes");
	json_decref(s);
	return 0;
}

static int
front_stats(const struct topo_host *h, struct lab_stats *out)
{
	json_t *s = ask(h, "status self\n");

	if (!s)
		return -EIO;
	out->requests = counter(s, "relayed");
	json_decref(s);
	return 0;
}

const struct daemon daemon_node = {
	.name = "node",
	.prepare = prepare_node,
	.argv = node_argv,
	.is_ready = is_ready,
	.stats = node_stats,
};

const struct daemon daemon_front = {
	.name = "front",
	.prepare = prepare_shared,
	.argv = front_argv,
	.is_ready = is_ready,
	.stats = front_stats,
};

const struct daemon daemon_balancer = {
	.name = "balancer",
	.prepare = prepare_shared,
	.argv = balancer_argv,
	.is_ready = is_ready,
};
