/*
 * sevenfold balancer: the layer-4 balancer's process. One loop over signals,
 * the nodes' health, the kernel's neighbours, and the admin socket, which
 * `sevenfold vs` talks to. Nothing of a client's traffic passes through here:
 * packets flow on while this process is replaced, or dead (l4/balancer.h).
 */
#include "prog/verb.h"

#include "admin/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "admin/call.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/compile.h"
#include "l4/control.h"
#include "l4/ipvs.h"
#include "l4/pool.h"
#include "l4/route.h"
#include "l4/vs.h"
#include "l4/xdp.h"
#include "net/loop.h"
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <linux/magic.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define DEFAULT_CONF "/etc/sevenfold.conf"
#define DEFAULT_SOCKET "/run/sevenfold/balancer.sock"
#define PIN_ROOT "/sys/fs/bpf"
#define PIN_DIR PIN_ROOT "/sevenfold"
#define TICK_NS (NS_PER_S / 10)

struct options {
	const char *conf;
	const char *socket;
	const char *interface; /* NULL: the configuration's */
	const char *pin;       /* NULL: PIN_DIR, if that can be */
	bool replace;
};

struct program {
	struct conf *conf; /* owned, as all here */
	char interface[IF_NAMESIZE];
	int ifindex;
	uint8_t mac[ETH_ALEN];
	uint64_t start_ns;
	struct loop *loop;
	struct source on_signal, on_pool, on_control;
	struct timer tick;
	struct admin_server *admin;
	struct balancer *balancer; /* NULL with the driver ipvs */
	struct xdp *xdp;
	struct ipvs *ipvs;
	struct control *control;
	struct pool *pool; /* its nodes are conf's */
	char *pin;	   /* NULL: nowhere */
	bool leave;	   /* packets flow on when we go */
	bool failed;
};

struct text {
	char z[32];
};

static union l4_addr
mapped(struct in_addr a)
{
	union l4_addr out;

	(void)addr_from(AF_INET, &a, sizeof(a), &out);
	return out;
}

static struct addr_text
in_text(struct in_addr a)
{
	union l4_addr m = mapped(a);

	return addr_text(&m);
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

/* --- the cluster's own service
 * ------------------------------------------------ */

static struct rules_id
service_id(const struct conf *c)
{
	return (struct rules_id){.proto = IPPROTO_TCP,
		.port = c->vip_port,
		.addr = mapped(c->vip)};
}

static bool
is_node(const struct conf *c, const union l4_addr *a)
{
	for (size_t i = 0; i < c->nnodes; i++)
		if (mapped(c->nodes[i].addr).d[1] == a->d[1])
			return true;
	return false;
}

/* The service that the configuration describes, and nothing of it that the
 * configuration does not; other services are the administrator's. */
static int
put_service(struct rules *r, void *arg)
{
	const struct conf *c = arg;
	struct rules_service s = {.id = service_id(c),
		.scheduler = (enum l4_scheduler)c->scheduler};
	const struct rules_service *was = rules_find(r, &s.id);
	int err;

	if (s.scheduler == L4_sh || s.scheduler == L4_mh)
		s.flags = L4_HASH_PORT | L4_HASH_FALLBACK;
	err = was ? rules_edit(r, &s) : rules_add(r, &s);

	for (size_t i = was ? was->nservers : 0; i-- > 0 && !err;)
		if (!is_node(c, &was->servers[i].addr))
			err = rules_server_delete(r, &s.id,
				&was->servers[i].addr, was->servers[i].port,
				clock_mono_ns() / NS_PER_S);
	/* The last to be added is the first to be chosen. */
	for (size_t i = c->nnodes; i-- > 0 && !err;) {
		struct rules_server server = {.addr = mapped(c->nodes[i].addr),
			.port = c->vip_port,
			.weight = (uint16_t)c->nodes[i].weight,
			.down = true};

		was = rules_find(r, &s.id);
		err = rules_server(was, &server.addr, server.port)
			? rules_server_edit(r, &s.id, &server)
			: rules_server_add(r, &s.id, &server);
	}
	return err;
}

/* --- admin socket -------------------------------------------------------- */

static json_t *
node_json(struct program *p, size_t i)
{
	const struct pool_node *n = pool_node(p->pool, i);
	const struct control_target *t = control_target(p->control, &n->addr);
	const struct rules_id id = service_id(p->conf);
	const struct rules_service *s =
		rules_find(control_rules(p->control), &id);
	const struct rules_server *server =
		s ? rules_server(s, &n->addr, id.port) : NULL;
	struct driver_counts count = {0};
	struct control_rate rate;
	bool here = t && t->has_mac;

	if (server)
		control_counts(p->control, s, server, &count, &rate);
	return json_pack("{ss ss ss? sb sI sI sI sI sI}", "name", n->name,
		"address", addr_text(&n->addr).z, "mac",
		here ? mac_text(t->mac).z : NULL, "up",
		n->up && (here || p->ipvs), "connections",
		(json_int_t)count.stat.connections, "packets",
		(json_int_t)count.stat.in_packets, "bytes",
		(json_int_t)count.stat.in_bytes, "active",
		(json_int_t)count.active, "inactive",
		(json_int_t)count.inactive);
}

static json_t *
verdicts_json(struct program *p)
{
	uint64_t count[L4_VERDICTS] = {0};
	json_t *o = json_object();

	if (p->balancer)
		balancer_verdicts(balancer_image(p->balancer), count);
	for (enum l4_verdict v = 0; v < L4_VERDICTS; v++)
		json_object_set_new(o, balancer_verdict_name(v),
			json_integer((json_int_t)count[v]));
	return o;
}

static json_t *
flows_json(const struct program *p)
{
	const struct l4_image *i =
		p->balancer ? balancer_image(p->balancer) : NULL;

	return json_pack("{sI sI}", "room",
		(json_int_t)(i ? (uint64_t)i->n_buckets * L4_WAYS / 2 : 0),
		"used", (json_int_t)(p->xdp ? xdp_used(p->xdp) : 0));
}

static json_t *
status_json(struct program *p)
{
	struct sock_text vip = sock_text(p->conf->vip, p->conf->vip_port);
	uint64_t up_s = (clock_mono_ns() - p->start_ns) / NS_PER_S;
	json_t *nodes = json_array();

	for (size_t i = 0; i < p->conf->nnodes; i++)
		json_array_append_new(nodes, node_json(p, i));
	return json_pack("{ss ss ss ss sI sb sI so so so}", "role", "balancer",
		"interface", p->interface, "xdp",
		p->balancer ? balancer_mode(p->balancer) : "ipvs", "vip", vip.z,
		"uptime_s", (json_int_t)up_s, "pinned", p->pin != NULL,
		"services", (json_int_t)control_rules(p->control)->n, "flows",
		flows_json(p), "nodes", nodes, "verdicts", verdicts_json(p));
}

static json_t *
vs_json(struct program *p, struct str line)
{
	json_t *ask = json_loadb(line.p, line.n, 0, NULL), *answer;
	const json_t *words = json_object_get(ask, "args");
	const char *input = json_string_value(json_object_get(ask, "input"));
	size_t n = json_array_size(words);
	own_free char **argv = xcalloc(n + 2, sizeof(*argv));
	struct buf out = {0}, err = {0};
	char name[] = "vs";
	int status;

	argv[0] = name;
	for (size_t i = 0; i < n; i++) {
		const char *w = json_string_value(json_array_get(words, i));

		argv[i + 1] = (char *)(uintptr_t)(w ? w : "");
	}
	status = vs_run(p->control, (int)n + 1, argv, str_z(input ? input : ""),
		&out, &err);
	answer = json_pack("{si ss% ss%}", "status", status, "out",
		buf_len(&out) ? buf_head(&out) : "", buf_len(&out), "err",
		buf_len(&err) ? buf_head(&err) : "", buf_len(&err));
	buf_fini(&out);
	buf_fini(&err);
	json_decref(ask);
	return answer;
}

/* Another process takes over: we go, and leave everything as it is. */
static json_t *
yield_json(struct program *p)
{
	if (!p->pin)
		return json_pack("{ss}", "error",
			"nothing is pinned, so nothing can be taken over");
	p->leave = true;
	loop_stop(p->loop);
	return json_pack("{sb}", "yielded", true);
}

static void
on_request(void *ctx, struct admin_request *request, struct str line)
{
	struct program *p = ctx;
	own_free char *text = NULL;
	json_t *json;

	if (str_eq(line, STR("status")))
		json = status_json(p);
	else if (str_starts(line, STR("vs ")))
		json = vs_json(p, str_of(line.p + 3, line.n - 3));
	else if (str_eq(line, STR("yield")))
		json = yield_json(p);
	else
		json = json_pack("{ss}", "error",
			"unknown command; there are: status, vs, yield");
	text = json_dumps(json, JSON_COMPACT);
	admin_answer(request, text ? str_z(text) : STR("{}"));
	json_decref(json);
}

/* --- set-up -------------------------------------------------------------- */

static int
find_interface(struct program *p, const char *wanted)
{
	struct in_addr first = p->conf->nodes[0].addr;
	struct route r = {0};
	union l4_addr to;
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
	to = mapped(first);
	err = route_get(&to, &r);
	if (err || !if_indextoname((unsigned)r.ifindex, p->interface))
		return complain("no route to node %s (%s): %s; give the "
				"interface with --interface",
			p->conf->nodes[0].name, in_text(first).z,
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
	union l4_addr to = mapped(n->addr);
	int err = route_get(&to, &r);
	struct addr_text addr = in_text(n->addr);

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
	union l4_addr vip = mapped(p->conf->vip);

	for (size_t i = 0; i < p->conf->nnodes; i++)
		if (check_node(p, &p->conf->nodes[i]))
			return -1;
	if (route_get(&vip, &r) || !r.local)
		log_warn("vip_not_here hint=\"unless a router sends it here, "
			 "nobody answers ARP for it: ip addr add %s/32 dev "
			 "%s\"",
			in_text(p->conf->vip).z, p->interface);
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

/* Where to pin: what was asked for, or, where there is a BPF file system, a
 * folder for this interface of this network namespace. */
static void
choose_pin(struct program *p, const char *wanted)
{
	struct statfs fs;
	struct stat ns;

	if (wanted) {
		p->pin = strcmp(wanted, "none") ? xstrdup(wanted) : NULL;
		return;
	}
	if (statfs(PIN_ROOT, &fs) < 0 || fs.f_type != BPF_FS_MAGIC ||
		stat("/proc/self/ns/net", &ns) < 0) {
		log_warn("not_pinned hint=\"there is no BPF file system "
			 "at " PIN_ROOT
			 "; packets stop when this process does\"");
		return;
	}
	p->pin = xasprintf(PIN_DIR "/%s-%llu", p->interface,
		(unsigned long long)ns.st_ino);
}

static int
open_balancer(struct program *p, const struct options *o)
{
	struct balancer_config config = {
		.ifindex = (uint32_t)p->ifindex, .flows = p->conf->flows};
	int err;

	memcpy(config.mac, p->mac, ETH_ALEN);
	if (balancer_permitted())
		choose_pin(p, o->pin);
	config.pin = p->pin;
	err = balancer_permitted() ? balancer_open(&config, &p->balancer)
				   : -EPERM;
	switch (err) {
	case 0: return 0;
	case -EPERM:
		return complain("needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; "
				"run it as root");
	case -ENOMEM:
		return complain("no memory for a table of %u flows; see "
				"'flows' in sevenfold.conf(5)",
			p->conf->flows);
	case -EINVAL:
		if (p->pin)
			return complain("what is pinned in %s is of another "
					"version, or another program's; remove "
					"it to begin anew",
				p->pin);
		/* fall through */
	default:
		return complain("this kernel did not take the XDP program "
				"(needs Linux 6.1 or later): %s",
			strerror(-err));
	}
}

/* What a frame may be; of generic XDP they may be longer than on the wire. */
static uint16_t
read_mtu(const struct program *p)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {0};

	memcpy(req.ifr_name, p->interface, sizeof(req.ifr_name));
	if (fd < 0 || !strcmp(balancer_mode(p->balancer), "generic") ||
		ioctl(fd, SIOCGIFMTU, &req) < 0 || req.ifr_mtu > 65535)
		return 65535;
	return (uint16_t)req.ifr_mtu;
}

static int
attach(struct program *p)
{
	static const enum balancer_xdp modes[] = {
		[CONF_XDP_AUTO] = BALANCER_AUTO,
		[CONF_XDP_NATIVE] = BALANCER_NATIVE,
		[CONF_XDP_GENERIC] = BALANCER_GENERIC,
	};
	int err = balancer_attach(p->balancer, modes[p->conf->xdp]);

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
	struct program *p = container_of(s, struct program, on_pool);

	pool_run(p->pool);
	control_run(p->control);
}

static void
on_control(struct source *s, uint32_t events)
{
	control_run(container_of(s, struct program, on_control)->control);
}

static void
on_tick(struct timer *t)
{
	struct program *p = container_of(t, struct program, tick);

	if ((int)if_nametoindex(p->interface) != p->ifindex) {
		log_error("interface_gone interface=%s", p->interface);
		p->failed = true;
		loop_stop(p->loop);
		return;
	}
	pool_tick(p->pool);
	control_tick(p->control);
	loop_arm(p->loop, t, TICK_NS);
}

static void
on_signal(struct source *s, uint32_t events)
{
	loop_stop(container_of(s, struct program, on_signal)->loop);
}

static int
open_control(struct program *p)
{
	struct control_config config = {.ifindex = p->ifindex};
	struct l4_image *image;
	int err = 0;

	if (p->conf->driver == CONF_DRIVER_IPVS) {
		err = ipvs_open(&p->ipvs, &config.rules);
		if (err)
			return complain("the kernel's IPVS: %s%s",
				strerror(-err),
				err == -ENOENT ? "; is there a module ip_vs?"
					       : "");
		config.driver = ipvs_driver(p->ipvs);
	} else {
		image = balancer_image(p->balancer);
		p->xdp = xdp_new(image, true);
		config.driver = xdp_driver(p->xdp);
		config.xdp = p->xdp;
		config.mtu = read_mtu(p);
		if (balancer_resumed(p->balancer))
			config.rules = compile_read(image);
	}
	err = control_open(&config, &p->control);
	if (!err)
		err = control_change(p->control, put_service, p->conf);
	if (!err && control_fd(p->control) >= 0)
		err = loop_watch_foreign(p->loop, &p->on_control,
			control_fd(p->control), EPOLLIN);
	return err ? complain("the rules: %s", strerror(-err)) : 0;
}

static int
open_pool(struct program *p)
{
	const struct conf *c = p->conf;
	struct pool_config config = {
		.port = c->vip_port,
		.check = {.interval_ns = c->check_interval_ns,
			.timeout_ns = c->check_timeout_ns,
			.fall = c->check_fall,
			.rise = c->check_rise,
			.path = c->check_http,
			.host = c->cluster},
		.slow_start_ns = c->slow_start_ns,
		.control = p->control,
	};
	own_free struct pool_node *nodes = xcalloc(c->nnodes, sizeof(*nodes));
	int err;

	for (size_t i = 0; i < c->nnodes; i++)
		nodes[i] = (struct pool_node){.name = c->nodes[i].name,
			.addr = mapped(c->nodes[i].addr)};
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

/* With --replace, whoever answers at our socket goes first, and leaves us what
 * it has. */
static int
take_over(const char *path)
{
	struct buf answer = {0};
	int r = admin_call(path, "yield\n", 5, &answer);
	bool yielded = r >= 0 && buf_len(&answer) > 2 &&
		memmem(buf_head(&answer), buf_len(&answer), "yielded", 7);

	buf_fini(&answer);
	if (r < 0)
		return 0; /* nobody there: nothing to replace */
	if (!yielded)
		return complain("the balancer at %s does not let itself be "
				"replaced; was it started with --pin none?",
			path);
	for (int i = 0; i < 500 && access(path, F_OK) == 0; i++)
		usleep(10000);
	return 0;
}

static int
open_xdp(struct program *p, const struct options *o)
{
	if (p->conf->driver == CONF_DRIVER_IPVS)
		return 0;
	return open_balancer(p, o);
}

static int
attach_xdp(struct program *p)
{
	return p->balancer ? attach(p) : 0;
}

static int
program_open(struct program *p, const struct options *o)
{
	p->start_ns = clock_mono_ns();
	if (conf_load(o->conf, &p->conf))
		return -1; /* which said why */
	if (find_interface(p, o->interface) || check_network(p) ||
		read_mac(p) || (o->replace && take_over(o->socket)) ||
		open_loop(p) || open_admin(p, o->socket) || open_xdp(p, o) ||
		attach_xdp(p) || open_control(p) || open_pool(p) ||
		open_signals(p))
		return -1;
	loop_arm(p->loop, &p->tick, TICK_NS);
	log_info("balancer_started interface=%s xdp=%s vip=%s nodes=%zu "
		 "socket=%s pin=%s resumed=%s",
		p->interface, p->balancer ? balancer_mode(p->balancer) : "ipvs",
		sock_text(p->conf->vip, p->conf->vip_port).z, p->conf->nnodes,
		o->socket, p->pin ? p->pin : "none",
		p->balancer && balancer_resumed(p->balancer) ? "yes" : "no");
	return 0;
}

static void
program_close(struct program *p)
{
	if (p->balancer && !p->leave)
		balancer_unpin(p->balancer);
	pool_close(p->pool);
	control_close(p->control);
	xdp_free(p->xdp);
	ipvs_close(p->ipvs);
	balancer_close(p->balancer); /* detaches what is not pinned */
	admin_close(p->admin);
	if (p->loop) {
		loop_close(p->loop, &p->on_signal);
		(void)loop_watch_foreign(
			p->loop, &p->on_pool, p->on_pool.fd, 0);
		(void)loop_watch_foreign(
			p->loop, &p->on_control, p->on_control.fd, 0);
		loop_disarm(p->loop, &p->tick);
		loop_settle(p->loop);
		loop_free(p->loop);
	}
	conf_free(p->conf);
	free(p->pin);
}

static const char usage[] =
	"usage: sevenfold balancer [-c FILE] [--interface NAME] "
	"[--socket PATH]\n"
	"                          [--pin DIR] [--replace]\n\n"
	"  -c FILE           the configuration (" DEFAULT_CONF ")\n"
	"  --interface NAME  where clients and nodes are (the one with the\n"
	"                    route to the first node, or the "
	"configuration's)\n"
	"  --socket PATH     the admin socket (" DEFAULT_SOCKET ")\n"
	"  --pin DIR         where flows and rules live on without this\n"
	"                    process; none: nowhere (" PIN_DIR "/...)\n"
	"  --replace         take over from the balancer at the socket,\n"
	"                    without losing a packet\n\n"
	"Stays in the foreground; ends, and detaches, on SIGTERM or Ctrl-C.\n"
	"If it's killed, packets flow on, and the next one takes over.\n";

/* The exit status, or -1 to go on. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"interface", required_argument, NULL, 'i'},
		{"socket", required_argument, NULL, 's'},
		{"pin", required_argument, NULL, 'p'},
		{"replace", no_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'c': o->conf = optarg; break;
		case 'i': o->interface = optarg; break;
		case 's': o->socket = optarg; break;
		case 'p': o->pin = optarg; break;
		case 'r': o->replace = true; break;
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
		.on_control = {-1, on_control},
		.tick = {.on_timer = on_tick},
	};
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	log_setup(LOG_INFO, "balancer");
	status = program_open(&p, &o) ? 1 : 0;
	if (!status) {
		loop_run(p.loop);
		status = p.failed ? 1 : 0;
		log_info("balancer_stopped");
	}
	program_close(&p);
	return status;
}
