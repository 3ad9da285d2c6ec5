#include "lab/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "admin/call.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/origin.h"
#include "lab/shape.h"
#include "lab/squid.h"
#include "lab/state.h"
#include "lab/topo.h"

#define CONF_FILE STATE_DIR "/sevenfold.conf"
#define SECRET_FILE STATE_DIR "/secret"

enum { UP_TIMEOUT_S = 10, LOG_TAIL_LINES = 8 };

void
cluster_conf(struct buf *b, const struct lab_options *o)
{
	static const char *const xdp[] = {[CONF_XDP_AUTO] = "auto",
		[CONF_XDP_NATIVE] = "native",
		[CONF_XDP_GENERIC] = "generic"};
	unsigned workers = o->workers		    ? o->workers
		: sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2
						    : 1;

	buf_printf(b,
		"cluster lab {\n"
		"    vip     " LAB_VIP ":80\n"
		"    policy  %s\n"
		"    workers %u\n"
		"    forward " TOPO_NET "\n"
		"    handoff %s\n"
		"    secret  " SECRET_FILE "\n"
		"%s%s",
		o->policy->name, workers, conf_handoff_name(o->handoff),
		o->one_copy ? "    copies  1\n" : "",
		o->squid ? "    cache   " SQUID_URL "\n" : "");
	for (unsigned i = 0; i < o->nodes; i++) {
		struct topo_host h = topo_host(TOPO_FIRST_NODE + i);

		buf_printf(b, "    node    %s %s\n", h.name, h.addr);
	}
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
		o->distill ? "    distill images text\n"
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
cluster_check_conf(const char *path, unsigned nodes)
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
write_conf(const struct lab_options *o)
{
	struct buf b = {0};
	int r;

	if (o->conf)
		return state_link(o->conf, CONF_FILE);
	r = write_secret();
	if (r < 0)
		return r;
	cluster_conf(&b, o);
	r = state_write(CONF_FILE, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

static char *
file_of(const char *host, const char *suffix)
{
	return xasprintf(STATE_DIR "/%s.%s", host, suffix);
}

static char *
log_of(const char *host)
{
	return xasprintf(STATE_DIR "/logs/%s.log", host);
}

/* Becomes host's daemon; host may be that of a Squid. */
_Noreturn static void
run_daemon(const char *host, bool is_node)
{
	const char *const *squid = squid_argv(host);
	own_free char *socket_path = file_of(host, "sock");
	char exe[PATH_MAX] = {0};
	const char *own[] = {exe, is_node ? "node" : "balancer", "-c",
		CONF_FILE, "--socket", socket_path,
		/* what a lab pins would outlive it */
		is_node ? "--name" : "--pin", is_node ? host : "none", NULL};
	bool is_origin = !strcmp(host, "origin");
	const char *const *argv = squid ? squid
		: is_origin		? origin_argv()
					: own;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0 || is_origin)
		execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "lab: can't run %s: %m%s\n", argv[0],
		squid		    ? " (Debian: apt install squid)"
			: is_origin ? " (Debian: apt install nginx)"
				    : "");
	_exit(127);
}

static int
redirect(const char *host)
{
	own_free char *path = log_of(host);
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (in < 0 || out < 0)
		return -errno;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	return close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

/* In the child between the lab and the daemon, which makes the daemon nobody's
 * child. It is in host's namespace before the daemon is born, so that no one
 * sees a daemon outside. name: what its files are called. */
static int
fork_daemon(const char *host, const char *name, bool is_node)
{
	own_free char *pid_path = file_of(name, "pid");
	char text[16];
	sigset_t none;
	pid_t pid;

	if (netns_enter(host) < 0 || shape_cpu_join(host) < 0)
		return -EIO;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		return state_write(pid_path, text,
			(size_t)snprintf(text, sizeof(text), "%d\n", pid));
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/") < 0 || redirect(name) < 0)
		_exit(1);
	run_daemon(name, is_node);
}

static int
start_one(const struct topo_host *h, const char *name)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fork_daemon(h->name, name, h->kind == TOPO_NODE) < 0);
	return netns_wait(pid);
}

/* A node's cache comes first, if it has one of its own. */
static int
start_squid(const struct topo_host *h)
{
	own_free char *name = squid_name(h->name);
	int r = start_one(h, name);

	return r < 0 ? r : squid_await(h->name);
}

static int
start_daemon(const char *host)
{
	struct topo_host h;
	int r = 0;

	if (!topo_find(host, &h) ||
		(h.kind != TOPO_NODE && h.kind != TOPO_BALANCER &&
			h.kind != TOPO_ORIGIN)) {
		fprintf(stderr, "lab: %s runs no daemon\n", host);
		return -EINVAL;
	}
	if (h.kind == TOPO_NODE && squid_is_wanted(host) && !squid_is_up(host))
		r = start_squid(&h);
	return r < 0 ? r : start_one(&h, host);
}

pid_t
cluster_pid_of(const char *host, const char *name)
{
	own_free char *path = file_of(name, "pid");
	own_file FILE *f = fopen(path, "re");
	int pid = 0;

	if (!f || fscanf(f, "%d", &pid) != 1)
		return 0;
	return netns_has(host, pid) ? pid : 0;
}

pid_t
cluster_pid(const char *host)
{
	return cluster_pid_of(host, host);
}

/* The answer to "status" on host's admin socket, or NULL. */
static json_t *
ask(const char *host)
{
	own_free char *path = file_of(host, "sock");
	struct buf b = {0};
	json_t *status = NULL;

	if (admin_call(path, "status\n", 5, &b) == 0)
		status = json_loadb(buf_head(&b), buf_len(&b), 0, NULL);
	buf_fini(&b);
	return status;
}

/* from this machine's own place on the lab's network */
static bool
origin_answers(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct timeval second = {1, 0};
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	inet_pton(AF_INET, TOPO_ORIGIN_ADDR, &a.sin_addr);
	return connect(fd, (void *)&a, sizeof(a)) == 0;
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

		if (json_is_true(json_object_get(node, "up")))
			n++;
		else
			buf_printf(down, " %s", name ? name : "?");
	}
	return n;
}

/* host's daemon is ready; for one of ours, it sees `nodes` nodes up (0: any).
 * Otherwise *why says what is missing. */
static bool
is_ready(const char *host, unsigned nodes, struct buf *why)
{
	struct buf down = {0};
	json_t *status;
	size_t n;

	buf_consume(why, buf_len(why));
	if (!strcmp(host, "origin")) {
		buf_z(why, "does not answer on port 80");
		return origin_answers();
	}
	status = ask(host);
	n = nodes_up(status, &down);
	if (!status)
		buf_z(why, "does not answer on its socket");
	else
		buf_printf(why, "sees %zu of %u nodes up; not%.*s", n, nodes,
			STR_ARG(buf_view(&down)));
	buf_fini(&down);
	json_decref(status);
	return status && n >= nodes;
}

static void
print_log_tail(const char *host)
{
	own_free char *path = log_of(host);
	own_file FILE *f = fopen(path, "re");
	char lines[LOG_TAIL_LINES][512];
	size_t n = 0;

	while (f && fgets(lines[n % LOG_TAIL_LINES], 512, f))
		n++;
	for (size_t i = n > LOG_TAIL_LINES ? n - LOG_TAIL_LINES : 0; i < n; i++)
		fprintf(stderr, "    %s", lines[i % LOG_TAIL_LINES]);
}

/* 0, -EINTR, or a message and -ETIMEDOUT or, when it has ended, -ECHILD */
static int
await(const char *host, unsigned nodes, uint64_t deadline_ns)
{
	struct buf why = {0};
	int r = 0;

	while (r == 0 && !is_ready(host, nodes, &why)) {
		if (!cluster_pid(host))
			r = -ECHILD;
		else if (clock_mono_ns() > deadline_ns)
			r = -ETIMEDOUT;
		else
			r = state_pause(20);
	}
	if (r == -ECHILD)
		fprintf(stderr, "lab: %s has ended; its log:\n", host);
	else if (r == -ETIMEDOUT)
		fprintf(stderr, "lab: %s did not come up: it %.*s; its log:\n",
			host, STR_ARG(buf_view(&why)));
	if (r < 0 && r != -EINTR)
		print_log_tail(host);
	buf_fini(&why);
	return r;
}

static uint64_t
deadline(void)
{
	return clock_mono_ns() + UP_TIMEOUT_S * NS_PER_S;
}

int
cluster_up(const struct lab_options *o)
{
	uint64_t deadline_ns = deadline();
	unsigned end = TOPO_FIRST_NODE + o->nodes;
	int r = write_conf(o), worst = 0;

	if (r == 0)
		r = origin_prepare(o);
	for (unsigned i = TOPO_FIRST_NODE; r == 0 && o->squid && i < end; i++)
		r = squid_prepare(topo_host(i).name);
	for (unsigned i = TOPO_BALANCER; r == 0 && i < end; i++)
		r = start_daemon(topo_host(i).name);
	if (r < 0)
		return r;
	/* After a failure go on, to say which others did not come up. */
	for (unsigned i = TOPO_BALANCER; i < end; i++) {
		r = await(topo_host(i).name, o->nodes, deadline_ns);
		if (r == -EINTR)
			return r;
		if (r < 0)
			worst = r;
	}
	return worst;
}

int
cluster_start(const char *host)
{
	int r;

	if (access(CONF_FILE, F_OK) < 0) {
		fprintf(stderr, "lab: no cluster to start %s in\n", host);
		return -ENOENT;
	}
	if (cluster_pid(host)) {
		fprintf(stderr, "lab: %s's daemon runs already\n", host);
		return -EALREADY;
	}
	r = start_daemon(host);
	return r < 0 ? r : await(host, 0, deadline());
}

int
cluster_kill(const char *host)
{
	pid_t pid = cluster_pid(host);
	uint64_t give_up_ns = deadline();

	if (!pid) {
		fprintf(stderr, "lab: no daemon runs in '%s'\n", host);
		return -ESRCH;
	}
	/* The group: nginx's workers would stay and serve. */
	if (kill(-pid, SIGKILL) < 0)
		return -errno;
	while (netns_has(host, pid) && clock_mono_ns() < give_up_ns)
		usleep(1000);
	return 0;
}
