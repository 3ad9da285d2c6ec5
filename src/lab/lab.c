#include "lab/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/cluster.h"
#include "lab/machine.h"
#include "lab/netns.h"
#include "lab/shape.h"
#include "lab/state.h"
#include "lab/topo.h"
#include "placement/view.h"

enum { TERM_TIMEOUT_S = 3, KILL_TIMEOUT_S = 5 };

const char *
lab_state_dir(void)
{
	return STATE_DIR;
}

static int
need_root(void)
{
	if (geteuid() == 0)
		return 0;
	fprintf(stderr, "lab: needs root, for network namespaces; try sudo\n");
	return -EPERM;
}

/* What every change of the lab starts and ends with: the right to make it, the
 * lock, and signals held back so that no step is left half done. */
struct change {
	int lock;
	sigset_t before;
};

static int
change_begin(struct change *s)
{
	if (need_root() < 0)
		return -EPERM;
	if (netns_inside_lab()) {
		fprintf(stderr,
			"lab: this is a host of the lab; leave it "
			"first\n");
		return -EINVAL;
	}
	s->lock = state_lock();
	if (s->lock < 0)
		return s->lock;
	state_hold(&s->before);
	return 0;
}

static int
change_end(struct change *s, int r)
{
	state_unlock(s->lock);
	/* What came while we tidied up has had its effect. */
	while (r == -EINTR && state_pause(0) < 0)
		;
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	return r;
}

/* True when nobody lives in the lab any more. */
static bool
end_processes(int sig, unsigned timeout_s)
{
	uint64_t deadline_ns = clock_mono_ns() + timeout_s * NS_PER_S;

	if (netns_signal(NULL, sig) == 0)
		return true;
	do {
		usleep(5000);
		/* SIGKILL again: some may have been born meanwhile. */
		if (netns_signal(NULL, sig == SIGKILL ? sig : 0) == 0)
			return true;
	} while (clock_mono_ns() < deadline_ns);
	return false;
}

static bool
remains(void)
{
	return topo_remains() || shape_cpu_remains() || state_exists();
}

static int
take_down(void)
{
	int r = 0;

	if (!end_processes(SIGTERM, TERM_TIMEOUT_S) &&
		!end_processes(SIGKILL, KILL_TIMEOUT_S)) {
		fprintf(stderr, "lab: %zu processes in it do not end\n",
			netns_signal(NULL, 0));
		return -EBUSY;
	}
	if (topo_down() < 0)
		r = -EIO;
	if (shape_cpu_down() < 0)
		r = -EIO;
	if (state_remove() < 0)
		r = -EIO;
	return r;
}

int
lab_down(void)
{
	struct change s;
	int r = change_begin(&s);

	return r < 0 ? r : change_end(&s, take_down());
}

static int
check_options(const struct lab_options *o)
{
	int most = LAB_NODES_MAX;

	if (!o->bare)
		most = VIEW_MAX_NODES - (o->arch && o->arch->front);
	if (o->nodes < 1 || o->nodes > (unsigned)most) {
		fprintf(stderr, "lab: 1 to %d nodes\n", most);
		return -EINVAL;
	}
	return o->bare ? 0 : cluster_check(o);
}

static struct lab_options
with_defaults(const struct lab_options *given)
{
	struct lab_options o = *given;

	if (!o.arch)
		o.arch = &arch_sevenfold;
	if (!o.policy && o.arch->policies)
		o.policy = &policy_hrw;
	if (!o.cache_bytes)
		o.cache_bytes = 256 << 20;
	o.squid |= o.arch->squid;
	return o;
}

/* Makes room: remains go, a lab in use stays unless told otherwise. */
static int
clear_remains(bool force)
{
	if (!remains())
		return 0;
	if (!force && state_complete() && netns_signal(NULL, 0) > 0) {
		fprintf(stderr,
			"lab: one is up already; 'sevenfold lab down' first, "
			"or --force\n");
		return -EEXIST;
	}
	return take_down();
}

static int
make_all(const struct lab_options *o)
{
	int r = state_make();

	if (r == 0)
		r = topo_up(o);
	if (r == 0)
		r = shape_cpu_up(o);
	if (r == 0 && !o->bare)
		r = cluster_up(o);
	if (r == 0)
		r = shape_cpu_limit(o);
	if (r == 0)
		r = state_pause(0);
	return r == 0 ? state_save(o) : r;
}

int
lab_up(const struct lab_options *given)
{
	struct lab_options all = with_defaults(given), *o = &all;
	struct change s;
	int r = check_options(o);

	if (r == 0)
		r = change_begin(&s);
	if (r < 0)
		return r;
	r = clear_remains(o->force);
	if (r == 0)
		r = machine_check();
	if (r < 0)
		return change_end(&s, r);
	r = make_all(o);
	if (r < 0)
		(void)take_down();
	return change_end(&s, r);
}

int
lab_exec(const char *host, char *const argv[])
{
	struct netns_hosts hosts;
	int r = need_root();

	if (r < 0)
		return r;
	r = netns_enter(host);
	if (r == 0 && shape_cpu_join(host) == 0) {
		execvp(argv[0], argv);
		fprintf(stderr, "lab: can't run %s: %m\n", argv[0]);
		return -ENOEXEC;
	}
	if (r != -ENOENT) {
		fprintf(stderr, "lab: can't enter %s: %s\n", host,
			strerror(-r));
		return r ? r : -EIO;
	}
	netns_hosts(&hosts);
	if (hosts.n == 0)
		fprintf(stderr, "lab: none is up");
	else
		fprintf(stderr, "lab: no host '%s'; there are:", host);
	for (size_t i = 0; i < hosts.n; i++)
		fprintf(stderr, " %s", hosts.names[i]);
	fputc('\n', stderr);
	netns_hosts_fini(&hosts);
	return -ENOENT;
}

static int
change_host(int (*fn)(const char *), const char *host)
{
	struct change s;
	int r = change_begin(&s);

	return r < 0 ? r : change_end(&s, fn(host));
}

int
lab_kill(const char *host)
{
	return change_host(cluster_kill, host);
}

int
lab_start(const char *host)
{
	return change_host(cluster_start, host);
}

pid_t
lab_pid(const char *host)
{
	return cluster_pid(host);
}

int
lab_port_counters(const char *host, struct lab_counters *out)
{
	struct topo_host h;
	int r = topo_find(host, &h) ? shape_counters(&h, out) : -ENOENT;

	if (r < 0)
		fprintf(stderr, "lab: no counters of '%s'\n", host);
	return r;
}

static void
print_header(const struct lab_options *o)
{
	printf("%u nodes, %s", o->nodes, o->bare ? "bare" : LAB_URL);
	if (!o->bare)
		printf(", %s", o->arch->name);
	if (o->link_bits)
		printf(", links of %g Mbit/s", (double)o->link_bits / 1e6);
	if (o->cpu_millicores)
		printf(", %g %% of a core per node", o->cpu_millicores / 10.0);
	printf("\n%-10s %-15s %8s %15s %15s %10s %10s %8s %12s %9s\n", "HOST",
		"ADDRESS", "PID", "BYTES TO IT", "BYTES FROM IT", "REQUESTS",
		"HITS", "OBJECTS", "CACHED", "CPU MS");
}

/* What it has not, or does not say, is 0. */
static void
print_host(const struct lab_options *o, const struct topo_host *h,
	const struct lab_counters *c)
{
	pid_t pid = cluster_pid(h->name);
	struct lab_stats s = {0};
	char text[16] = "-";

	if (pid)
		snprintf(text, sizeof(text), "%d", pid);
	if (pid && (h->kind == TOPO_NODE || h->kind == TOPO_BALANCER))
		(void)lab_arch_stats(h->name, &s);
	else if (h->kind != TOPO_MACHINE)
		s.cpu_ns = netns_cpu_ns(h->name);
	printf("%-10s %-15s %8s %15lu %15lu %10lu %10lu %8lu %12lu %9lu\n",
		h->name, h->addr, text, c->to_host_bytes, c->from_host_bytes,
		s.requests, s.hits, s.objects, s.bytes, s.cpu_ns / NS_PER_MS);
}

int
lab_print_status(void)
{
	struct lab_options o;
	int r = need_root();

	if (r < 0)
		return r;
	r = state_load(&o);
	if (r < 0) {
		printf("no lab is up%s\n",
			remains() ? "; there are remains of one" : "");
		return r;
	}
	print_header(&o);
	for (unsigned i = 0; r == 0 && i < TOPO_FIRST_NODE + o.nodes; i++) {
		struct topo_host h = topo_host(i);
		struct lab_counters c;

		r = lab_port_counters(h.name, &c);
		if (r == 0)
			print_host(&o, &h, &c);
	}
	return r;
}
