/*
 * sevenfold balancer: the layer-4 balancer's process. One thread and one
 * poll() over four descriptors: signals, health checks, the kernel's neighbour
 * table and the admin socket. A node is usable when its last checks succeeded
 * and its MAC address is known; every change of either goes to the XDP
 * program's maps. Nothing of a client's traffic passes through here.
 */
#include "prog/verb.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/health.h"
#include "l4/neigh.h"
#include "l4/route.h"
#include "prog/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#define DEFAULT_CONF "/etc/sevenfold.conf"
#define DEFAULT_SOCKET "/run/sevenfold/balancer.sock"
#define FLOWS_MAX (1u << 18) /* about 25 MB of kernel memory */

struct options {
	const char *conf;
	const char *socket;
	const char *interface; /* NULL: the configuration's */
};

struct node {
	uint8_t mac[ETH_ALEN];
	bool has_mac;
	bool used;	  /* what the XDP program was told */
	bool suspect;	  /* did not answer: is its MAC address still true? */
	bool no_arp;	  /* that was logged already */
	uint64_t good_ns; /* its last good check, or our start */
};

struct program {
	struct conf *conf; /* owned, as all here */
	char interface[IF_NAMESIZE];
	int ifindex;
	uint8_t mac[ETH_ALEN];
	uint64_t start_ns;
	int signals;
	struct node *nodes; /* as in conf */
	struct ask *ask;
	struct balancer *balancer;
	struct neigh *neigh;
	struct health *health;
};

struct text {
	char z[32];
};

static struct text
addr_text(struct in_addr a)
{
	struct text t;

	(void)inet_ntop(AF_INET, &a, t.z, sizeof(t.z));
	return t;
}

static struct text
mac_text(const uint8_t m[ETH_ALEN])
{
	struct text t;

	snprintf(t.z, sizeof(t.z), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
		m[2], m[3], m[4], m[5]);
	return t;
}

/* Says what is wrong with the set-up. Always -1. */
static int __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("sevenfold balancer: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return -1;
}

/* --- nodes: health and MAC address to the XDP program -------------------- */

static void
node_update(struct program *p, size_t i, bool new_mac)
{
	struct node *n = &p->nodes[i];
	bool use = n->has_mac && health_up(p->health, i);
	int err;

	if (use == n->used && !(use && new_mac))
		return;
	err = balancer_set(p->balancer, i, n->mac, use);
	if (err)
		log_error("map_update node=%s error=%s", p->conf->nodes[i].name,
			log_quote(str_z(strerror(-err))).z);
	else
		n->used = use;
}

static void
on_check(void *ctx, size_t i, int err, enum health_change change)
{
	struct program *p = ctx;
	struct node *n = &p->nodes[i];
	const char *name = p->conf->nodes[i].name;
	uint64_t now_ns = clock_mono_ns();

	if (change == HEALTH_UP)
		log_info("node_up node=%s", name);
	else if (change == HEALTH_DOWN)
		log_info("node_down node=%s after=%.2fs reason=%s", name,
			(double)(now_ns - n->good_ns) / (double)NS_PER_S,
			log_quote(str_z(strerror(err))).z);
	if (!err) {
		n->good_ns = now_ns;
		n->no_arp = false;
	}
	n->suspect = err == ETIMEDOUT || err == EHOSTUNREACH;
	(void)neigh_ask(p->neigh, p->conf->nodes[i].addr);
	node_update(p, i, false);
}

static void
node_neigh(struct program *p, size_t i, const struct neigh_entry *e)
{
	struct node *n = &p->nodes[i];
	const char *name = p->conf->nodes[i].name;
	bool suspect = n->suspect;

	n->suspect = false;
	if (!e->resolved) {
		if (suspect && !n->no_arp)
			log_warn("node_no_arp node=%s address=%s interface=%s",
				name, addr_text(e->addr).z, p->interface);
		n->no_arp |= suspect;
		return;
	}
	if (!n->has_mac || memcmp(n->mac, e->mac, ETH_ALEN)) {
		log_info("node_mac node=%s mac=%s", name, mac_text(e->mac).z);
		memcpy(n->mac, e->mac, ETH_ALEN);
		n->has_mac = true;
		node_update(p, i, true);
	} else if (suspect && !e->fixed) {
		/* It may be another machine by now. */
		(void)neigh_forget(p->neigh, e->addr);
	}
}

static void
on_neigh(void *ctx, const struct neigh_entry *e)
{
	struct program *p = ctx;

	for (size_t i = 0; i < p->conf->nnodes; i++)
		if (p->conf->nodes[i].addr.s_addr == e->addr.s_addr)
			node_neigh(p, i, e);
}

/* --- admin socket -------------------------------------------------------- */

static json_t *
node_json(const struct program *p, size_t i)
{
	const struct node *n = &p->nodes[i];
	struct l4_dest_count count = {0};

	(void)balancer_node_count(p->balancer, i, &count);
	return json_pack("{ss ss ss? sb sI sI sI}", "name",
		p->conf->nodes[i].name, "address",
		addr_text(p->conf->nodes[i].addr).z, "mac",
		n->has_mac ? mac_text(n->mac).z : NULL, "up", n->used,
		"connections", (json_int_t)count.connections, "packets",
		(json_int_t)count.packets, "bytes", (json_int_t)count.bytes);
}

static json_t *
verdicts_json(const struct program *p)
{
	uint64_t count[L4_VERDICTS] = {0};
	json_t *o = json_object();

	(void)balancer_verdicts(p->balancer, count);
	for (enum l4_verdict v = 0; v < L4_VERDICTS; v++)
		json_object_set_new(o, balancer_verdict_name(v),
			json_integer((json_int_t)count[v]));
	return o;
}

static json_t *
status_json(const struct program *p)
{
	own_free char *vip = xasprintf(
		"%s:%u", addr_text(p->conf->vip).z, p->conf->vip_port);
	uint64_t up_s = (clock_mono_ns() - p->start_ns) / NS_PER_S;
	json_t *nodes = json_array();

	for (size_t i = 0; i < p->conf->nnodes; i++)
		json_array_append_new(nodes, node_json(p, i));
	return json_pack("{ss ss ss ss sI so so}", "role", "balancer",
		"interface", p->interface, "xdp", balancer_mode(p->balancer),
		"vip", vip, "uptime_s", (json_int_t)up_s, "nodes", nodes,
		"verdicts", verdicts_json(p));
}

static void
on_command(void *ctx, struct str command, struct buf *answer)
{
	bool known = str_eq(command, STR("status"));
	json_t *json = known ? status_json(ctx)
			     : json_pack("{ss}", "error",
				       "unknown command; there is: status");
	own_free char *text = json_dumps(json, JSON_COMPACT);

	buf_printf(answer, "%s\n", text ? text : "{\"error\":\"no memory\"}");
	json_decref(json);
}

/* --- set-up -------------------------------------------------------------- */

static int
find_interface(struct program *p, const char *wanted)
{
	struct in_addr first = p->conf->nodes[0].addr;
	struct route r = {0};
	int err;

	if (!wanted)
		wanted = p->conf->interface;
	if (wanted) {
		p->ifindex = (int)if_nametoindex(wanted);
		if (!p->ifindex)
			return complain("there is no interface '%s'", wanted);
		snprintf(p->interface, sizeof(p->interface), "%s", wanted);
		return 0;
	}
	err = route_get(first, &r);
	if (err || !if_indextoname((unsigned)r.ifindex, p->interface))
		return complain("no route to node %s (%s): %s; give the "
				"interface with --interface",
			p->conf->nodes[0].name, addr_text(first).z,
			strerror(err ? -err : ENODEV));
	p->ifindex = r.ifindex;
	return 0;
}

static int
read_mac(struct program *p)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {0};

	memcpy(req.ifr_name, p->interface, sizeof(req.ifr_name));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		return complain(
			"interface %s: %s", p->interface, strerror(errno));
	if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return complain("interface %s is not Ethernet; direct routing "
				"needs one that is",
			p->interface);
	memcpy(p->mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

/* Direct routing reaches only what is on the interface's own segment. */
static int
check_node(const struct program *p, const struct conf_node *n)
{
	struct route r = {0};
	int err = route_get(n->addr, &r);
	struct text addr = addr_text(n->addr);

	if (err)
		return complain("no route to node %s (%s): %s", n->name, addr.z,
			strerror(-err));
	if (r.local)
		return complain("node %s (%s) is this machine itself; the "
				"balancer needs one of its own",
			n->name, addr.z);
	if (!r.on_link || r.ifindex != p->ifindex)
		return complain("node %s (%s) is not on the network of "
				"interface %s; direct routing can reach it "
				"only there",
			n->name, addr.z, p->interface);
	return 0;
}

static int
check_network(const struct program *p)
{
	struct route r = {0};

	for (size_t i = 0; i < p->conf->nnodes; i++)
		if (check_node(p, &p->conf->nodes[i]))
			return -1;
	if (route_get(p->conf->vip, &r) || !r.local)
		log_warn("vip_not_here hint=\"unless a router sends it here, "
			 "nobody answers ARP for it: ip addr add %s/32 dev "
			 "%s\"",
			addr_text(p->conf->vip).z, p->interface);
	return 0;
}

static int
open_ask(struct program *p, const char *path)
{
	int err = ask_open(path, on_command, p, &p->ask);

	if (err == -EADDRINUSE)
		return complain("another balancer answers at %s; stop it, or "
				"give this one its own --socket",
			path);
	return err ? complain("%s: %s", path, strerror(-err)) : 0;
}

static int
open_balancer(struct program *p)
{
	struct balancer_config config = {
		.vip = p->conf->vip,
		.port = p->conf->vip_port,
		.nodes = p->conf->nnodes,
		.flows_max = FLOWS_MAX,
	};
	int err;

	memcpy(config.mac, p->mac, ETH_ALEN);
	err = balancer_permitted() ? balancer_open(&config, &p->balancer)
				   : -EPERM;
	switch (err) {
	case 0: return 0;
	case -EPERM:
		return complain("needs CAP_BPF and CAP_NET_ADMIN; run it as "
				"root");
	case -E2BIG:
		return complain("%zu nodes are more than the %d supported",
			p->conf->nnodes, L4_DESTS_MAX);
	default:
		return complain("this kernel did not take the XDP program "
				"(needs Linux 6.1 or later): %s",
			strerror(-err));
	}
}

static int
attach(struct program *p)
{
	static const enum balancer_xdp modes[] = {
		[CONF_XDP_AUTO] = BALANCER_AUTO,
		[CONF_XDP_NATIVE] = BALANCER_NATIVE,
		[CONF_XDP_GENERIC] = BALANCER_GENERIC,
	};
	int err = balancer_attach(p->balancer, p->ifindex, modes[p->conf->xdp]);

	switch (err) {
	case 0: return 0;
	case -EBUSY:
	case -EEXIST:
		return complain("interface %s has an XDP program already; see "
				"'ip link show %s'",
			p->interface, p->interface);
	case -EPERM: return complain("attaching needs CAP_NET_ADMIN");
	case -EOPNOTSUPP:
		return complain("the driver of interface %s has no native XDP; "
				"write 'xdp generic' or 'xdp auto'",
			p->interface);
	default:
		return complain("can't attach the XDP program to interface "
				"%s: %s",
			p->interface, strerror(-err));
	}
}

static int
open_watches(struct program *p)
{
	const struct conf *c = p->conf;
	struct health_config config = {
		.interval_ns = c->check_interval_ns,
		.timeout_ns = c->check_timeout_ns,
		.fall = c->check_fall,
		.rise = c->check_rise,
		.on_check = on_check,
		.ctx = p,
	};
	own_free struct sockaddr_in *targets =
		xcalloc(c->nnodes, sizeof(*targets));
	int err;

	for (size_t i = 0; i < c->nnodes; i++) {
		p->nodes[i].good_ns = p->start_ns;
		targets[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_addr = c->nodes[i].addr,
			.sin_port = htons(c->vip_port),
		};
	}
	err = neigh_open(p->ifindex, on_neigh, p, &p->neigh);
	if (!err)
		err = health_open(&config, targets, c->nnodes, &p->health);
	return err ? complain("can't watch the nodes: %s", strerror(-err)) : 0;
}

static int
open_signals(struct program *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return complain("signals: %s", strerror(errno));
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signals < 0 ? complain("signals: %s", strerror(errno)) : 0;
}

static int
program_open(struct program *p, const struct options *o)
{
	p->start_ns = clock_mono_ns();
	if (conf_load(o->conf, &p->conf))
		return -1; /* which said why */
	p->nodes = xcalloc(p->conf->nnodes, sizeof(*p->nodes));
	if (find_interface(p, o->interface) || check_network(p) ||
		read_mac(p) || open_ask(p, o->socket) || open_balancer(p) ||
		open_watches(p) || open_signals(p) || attach(p))
		return -1;
	log_info("balancer_started interface=%s xdp=%s vip=%s:%u nodes=%zu "
		 "socket=%s",
		p->interface, balancer_mode(p->balancer),
		addr_text(p->conf->vip).z, p->conf->vip_port, p->conf->nnodes,
		o->socket);
	return 0;
}

static void
program_close(struct program *p)
{
	balancer_close(p->balancer);
	health_close(p->health);
	neigh_close(p->neigh);
	ask_close(p->ask);
	own_fd_(&p->signals);
	free(p->nodes);
	conf_free(p->conf);
}

/* Until a signal says to stop. */
static void
program_run(struct program *p)
{
	struct pollfd fds[] = {
		{p->signals, POLLIN, 0},
		{health_fd(p->health), POLLIN, 0},
		{neigh_fd(p->neigh), POLLIN, 0},
		{ask_fd(p->ask), POLLIN, 0},
	};

	while (!fds[0].revents) {
		if (poll(fds, 4, -1) < 0)
			continue;
		if (fds[1].revents)
			health_run(p->health);
		if (fds[2].revents)
			neigh_run(p->neigh);
		if (fds[3].revents)
			ask_run(p->ask);
	}
	log_info("balancer_stopped");
}

static const char usage[] =
	"usage: sevenfold balancer [-c FILE] [--interface NAME] "
	"[--socket PATH]\n\n"
	"  -c FILE           the configuration (" DEFAULT_CONF ")\n"
	"  --interface NAME  where clients and nodes are (the "
	"configuration's,\n"
	"                    or the one with the route to the first node)\n"
	"  --socket PATH     the admin socket (" DEFAULT_SOCKET ")\n\n"
	"Stays in the foreground; ends, and detaches, on SIGTERM or Ctrl-C.\n";

/* The exit status, or -1 to go on. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"interface", required_argument, NULL, 'i'},
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'c': o->conf = optarg; break;
		case 'i': o->interface = optarg; break;
		case 's': o->socket = optarg; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

int
verb_balancer(int argc, char **argv)
{
	struct options o = {.conf = DEFAULT_CONF, .socket = DEFAULT_SOCKET};
	struct program p = {.signals = -1};
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	log_setup(LOG_INFO, "balancer");
	status = program_open(&p, &o) ? 1 : 0;
	if (!status)
		program_run(&p);
	program_close(&p);
	return status;
}
