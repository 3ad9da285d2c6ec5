/*
 * sevenfold balancer: the layer-4 balancer's process. One loop over
 * signals, the nodes' pool, which feeds the XDP program, and the admin socket.
 * Nothing of a client's traffic passes through here.
 */
#include "prog/verb.h"

#include "admin/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/pool.h"
#include "l4/route.h"
#include "net/loop.h"
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <net/if.h>
#include <net/if_arp.h>
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

struct program {
	struct conf *conf; /* owned, as all here */
	char interface[IF_NAMESIZE];
	int ifindex;
	uint8_t mac[ETH_ALEN];
	uint64_t start_ns;
	struct loop *loop;
	struct source on_signal, on_pool;
	struct admin_server *admin;
	struct balancer *balancer;
	struct pool *pool; /* its nodes are conf's */
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
static int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("sevenfold balancer: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return -1;
}

/* --- admin socket -------------------------------------------------------- */

static json_t *
node_json(const struct program *p, size_t i)
{
	const struct pool_node *n = pool_node(p->pool, i);
	struct l4_dest_count count = {0};

	(void)balancer_node_count(p->balancer, i, &count);
	return json_pack("{ss ss ss? sb sI sI sI}", "name", n->name, "address",
		addr_text(n->addr).z, "mac",
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
	struct sock_text vip = sock_text(p->conf->vip, p->conf->vip_port);
	uint64_t up_s = (clock_mono_ns() - p->start_ns) / NS_PER_S;
	json_t *nodes = json_array();

	for (size_t i = 0; i < p->conf->nnodes; i++)
		json_array_append_new(nodes, node_json(p, i));
	return json_pack("{ss ss ss ss sI so so}", "role", "balancer",
		"interface", p->interface, "xdp", balancer_mode(p->balancer),
		"vip", vip.z, "uptime_s", (json_int_t)up_s, "nodes", nodes,
		"verdicts", verdicts_json(p));
}

static void
on_request(void *ctx, struct admin_request *request, struct str line)
{
	bool known = str_eq(line, STR("status"));
	json_t *json = known ? status_json(ctx)
			     : json_pack("{ss}", "error",
				       "unknown command; there is: status");
	own_free char *text = json_dumps(json, JSON_COMPACT);

	admin_answer(request, text ? str_z(text) : STR("{}"));
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
open_admin(struct program *p, const char *path)
{
	int err = admin_listen(p->loop, path, on_request, p, &p->admin);

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
		return complain("needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; "
				"run it as root");
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

static void
on_pool(struct source *s, uint32_t events)
{
	pool_run(container_of(s, struct program, on_pool)->pool);
}

static void
on_signal(struct source *s, uint32_t events)
{
	loop_stop(container_of(s, struct program, on_signal)->loop);
}

static int
open_pool(struct program *p)
{
	const struct conf *c = p->conf;
	struct pool_config config = {
		.ifindex = p->ifindex,
		.port = c->vip_port,
		.check = {.interval_ns = c->check_interval_ns,
			.timeout_ns = c->check_timeout_ns,
			.fall = c->check_fall,
			.rise = c->check_rise},
		.balancer = p->balancer,
	};
	own_free struct pool_node *nodes = xcalloc(c->nnodes, sizeof(*nodes));
	int err;

	for (size_t i = 0; i < c->nnodes; i++)
		nodes[i] = (struct pool_node){
			.name = c->nodes[i].name, .addr = c->nodes[i].addr};
	err = pool_open(&config, nodes, c->nnodes, &p->pool);
	if (!err)
		err = loop_watch_foreign(
			p->loop, &p->on_pool, pool_fd(p->pool), EPOLLIN);
	return err ? complain("can't watch the nodes: %s", strerror(-err)) : 0;
}

/* Until here a signal ends the process, which leaves nothing behind either. */
static int
open_signals(struct program *p)
{
	own_fd int fd = -1;
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	err = fd < 0 ? -errno : loop_watch(p->loop, &p->on_signal, fd);
	if (err)
		return complain("signals: %s", strerror(-err));
	(void)take_fd(&fd);
	return 0;
}

static int
open_loop(struct program *p)
{
	p->loop = loop_new();
	return p->loop ? 0 : complain("%s", strerror(errno));
}

static int
program_open(struct program *p, const struct options *o)
{
	p->start_ns = clock_mono_ns();
	if (conf_load(o->conf, &p->conf))
		return -1; /* which said why */
	if (find_interface(p, o->interface) || check_network(p) ||
		read_mac(p) || open_loop(p) || open_admin(p, o->socket) ||
		open_balancer(p) || open_pool(p) || open_signals(p) ||
		attach(p))
		return -1;
	log_info("balancer_started interface=%s xdp=%s vip=%s nodes=%zu "
		 "socket=%s",
		p->interface, balancer_mode(p->balancer),
		sock_text(p->conf->vip, p->conf->vip_port).z, p->conf->nnodes,
		o->socket);
	return 0;
}

static void
program_close(struct program *p)
{
	balancer_close(p->balancer); /* first: detaches */
	admin_close(p->admin);
	if (p->loop) {
		loop_close(p->loop, &p->on_signal);
		(void)loop_watch_foreign(
			p->loop, &p->on_pool, p->on_pool.fd, 0);
		loop_settle(p->loop);
		loop_free(p->loop);
	}
	pool_close(p->pool);
	conf_free(p->conf);
}

static const char usage[] =
	"usage: sevenfold balancer [-c FILE] [--interface NAME] "
	"[--socket PATH]\n\n"
	"  -c FILE           the configuration (" DEFAULT_CONF ")\n"
	"  --interface NAME  where clients and nodes are (the one with the\n"
	"                    route to the first node, or the "
	"configuration's)\n"
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
	struct program p = {
		.on_signal = {-1, on_signal},
		.on_pool = {-1, on_pool},
	};
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	log_setup(LOG_INFO, "balancer");
	status = program_open(&p, &o) ? 1 : 0;
	if (!status) {
		loop_run(p.loop);
		log_info("balancer_stopped");
	}
	program_close(&p);
	return status;
}
