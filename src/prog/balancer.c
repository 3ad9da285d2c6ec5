/*
 * sevenfold balancer: the layer-4 balancer's process. One loop over signals,
 * the nodes' health, the kernel's neighbours, and the admin socket, which
 * `sevenfold vs` talks to. Nothing of a client's traffic passes through here:
 * packets flow on while this process is replaced, or dead (l4/balancer.h).
 */
#include "prog/balancer.h"
#include "prog/balancer_lost.h"
#include "prog/balancer_members.h"
#include "prog/balancer_moves.h"
#include "prog/verb.h"

#include "admin/report.h"
#include "admin/server.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/compile.h"
#include "l4/control.h"
#include "l4/ipvs.h"
#include "l4/pool.h"
#include "l4/xdp.h"
#include "net/sock.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#define DEFAULT_CONF "/etc/sevenfold.conf"
#define DEFAULT_SOCKET "/run/sevenfold/balancer.sock"
#define PIN_DIR "/sys/fs/bpf/sevenfold"
#define TICK_NS (NS_PER_S / 10)

struct options {
	const char *conf;
	const char *socket;
	const char *interface; /* NULL: the configuration's */
	const char *pin;       /* NULL: PIN_DIR, if that can be */
	bool replace;
};

union l4_addr
member_addr(struct in_addr a)
{
	union l4_addr out;

	(void)addr_from(AF_INET, &a, sizeof(a), &out);
	return out;
}

int
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
	watch_room(p, clock_mono_ns());
	lost_tick(p->lost);
	loop_arm(p->loop, t, TICK_NS);
}

static void
on_signal(struct source *s, uint32_t events)
{
	loop_stop(container_of(s, struct program, on_signal)->loop);
}

/* --- members -------------------------------------------------------------- */

/* Each has its place in the pool, by its index. */
static void
watch_members(struct program *p)
{
	const struct roster *r = members_roster(p->members);

	for (size_t i = pool_count(p->pool); i < r->n; i++) {
		struct pool_node n = {.name = r->v[i].name,
			.addr = member_addr(r->v[i].addr)};

		pool_add(p->pool, &n);
	}
}

static void
on_news(void *ctx, const struct roster *r)
{
	struct program *p = ctx;
	int err = control_change(p->control, service_put, p);

	/* Who looks a member up there counts on it. */
	watch_members(p);
	if (err) {
		log_error("members_not_taken error=\"%s\"", strerror(-err));
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		log_info("member node=%s state=%s weight=%u", r->v[i].name,
			roster_state_name(r->v[i].state), r->v[i].weight);
}

static void
on_suspect(void *ctx, size_t i)
{
	struct program *p = ctx;

	if (!pool_node(p->pool, i)->up)
		return;
	pool_suspect(p->pool, i);
	control_run(p->control);
}

static bool
is_up(void *ctx, size_t i)
{
	return pool_node(((struct program *)ctx)->pool, i)->up;
}

static void
open_members(struct program *p)
{
	struct members_user user = {p, on_news, on_suspect, is_up};

	p->members = members_new(p->loop, p->conf, &user);
}

/* --- set-up --------------------------------------------------------------- */

static int
open_control(struct program *p)
{
	struct control_config config = {.ifindex = p->ifindex};
	struct l4_image *image;
	int err = 0;

	if (p->conf->driver == CONF_DRIVER_IPVS &&
		!IN6_IS_ADDR_UNSPECIFIED(&p->conf->vip6))
		return complain("the kernel's IPVS does not route IPv6 to "
				"nodes that it knows by IPv4: leave out vip6, "
				"or 'driver ipvs'");
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
		err = control_change(p->control, service_put, p);
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
	int err = pool_open(&config, NULL, 0, &p->pool);

	if (!err) {
		watch_members(p);
		err = loop_watch_foreign(
			p->loop, &p->on_pool, pool_fd(p->pool), EPOLLIN);
	}
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
	if (open_network(p, o->interface) ||
		(o->replace && take_over(o->socket)) || open_loop(p) ||
		open_admin(p, o->socket) || open_report(p) ||
		open_xdp(p, o->pin))
		return -1;
	open_members(p);
	if (open_control(p) || open_pool(p) || open_signals(p))
		return -1;
	p->moves = moves_new(p);
	p->lost = lost_new(p);
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
	report_close(p->report);
	lost_free(p->lost);
	moves_free(p->moves);
	members_free(p->members);
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
	"  --interface NAME  where clients and nodes are (the "
	"configuration's,\n"
	"                    or the one with the route to the first node)\n"
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
	if (status) {
		/* what another one left goes on as it did */
		p.leave = p.balancer && balancer_resumed(p.balancer);
	} else {
		loop_run(p.loop);
		status = p.failed ? 1 : 0;
		log_info("balancer_stopped");
	}
	program_close(&p);
	return status;
}
