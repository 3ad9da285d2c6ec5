#include "lab/cluster.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include "base/clock.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/sevenfold.h"
#include "lab/state.h"
#include "lab/topo.h"

enum { UP_TIMEOUT_S = 60 };

const struct daemon *
cluster_daemon(const struct lab_options *o, const struct topo_host *h)
{
	switch (h->kind) {
	case TOPO_BALANCER: return o->arch->balancer;
	case TOPO_ORIGIN: return &daemon_origin;
	case TOPO_NODE: return o->arch->node;
	case TOPO_MACHINE:
	case TOPO_CLIENT: break;
	}
	return NULL;
}

const struct daemon *
cluster_behind(const struct lab_options *o, const struct topo_host *h)
{
	return h->kind == TOPO_NODE && o->squid ? &daemon_squid : NULL;
}

/* What stands behind that again. */
static const struct daemon *
furthest(const struct lab_options *o, const struct topo_host *h)
{
	return cluster_behind(o, h) && o->distill ? &daemon_image_filter : NULL;
}

/* How many nodes h's daemon sees when all are up; a node in front sees itself
 * among them. */
static unsigned
nodes_seen(const struct lab_options *o, const struct topo_host *h)
{
	if (o->arch->alone && h->kind == TOPO_NODE)
		return 1;
	return o->nodes + (o->arch->balancer == &daemon_front);
}

static uint64_t
deadline(void)
{
	return clock_mono_ns() + UP_TIMEOUT_S * NS_PER_S;
}

int
cluster_check(const struct lab_options *o)
{
	struct topo_host vip = topo_host(TOPO_BALANCER);
	struct topo_host node = topo_host(TOPO_FIRST_NODE);
	const struct daemon *all[] = {&daemon_origin, cluster_daemon(o, &vip),
		cluster_daemon(o, &node), cluster_behind(o, &node),
		furthest(o, &node)};
	int r = arch_check(o);

	if (r == 0 && o->conf)
		r = sevenfold_check_conf(o->conf, o->nodes);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && r == 0; i++)
		if (all[i])
			r = daemon_check(all[i]);
	return r;
}

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	const struct daemon *all[] = {
		furthest(o, h), cluster_behind(o, h), cluster_daemon(o, h)};
	int r = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && r == 0; i++)
		if (all[i])
			r = all[i]->prepare(o, h);
	return r;
}

/* What stands behind it comes first. */
static int
start(const struct lab_options *o, const struct topo_host *h)
{
	const struct daemon *behind[] = {furthest(o, h), cluster_behind(o, h)};
	int r = 0;

	for (size_t i = 0; i < 2 && r == 0; i++) {
		if (!behind[i] || daemon_pid(behind[i], h))
			continue;
		r = daemon_start(behind[i], h);
		if (r == 0)
			r = daemon_await(behind[i], h, 0, deadline());
	}
	return r < 0 ? r : daemon_start(cluster_daemon(o, h), h);
}

/* Who is in front comes last, so that he finds the others when he looks. */
static unsigned
starting(const struct lab_options *o, unsigned i)
{
	if (i == 0)
		return TOPO_ORIGIN;
	return i <= o->nodes ? TOPO_FIRST_NODE + i - 1 : TOPO_BALANCER;
}

static int
each(const struct lab_options *o,
	int (*fn)(const struct lab_options *o, const struct topo_host *h))
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->nodes + 2; i++) {
		struct topo_host h = topo_host(starting(o, i));

		r = fn(o, &h);
	}
	return r;
}

int
cluster_up(const struct lab_options *o)
{
	uint64_t deadline_ns;
	int r = each(o, prepare), worst = 0;

	if (r == 0)
		r = each(o, start);
	if (r < 0)
		return r;
	deadline_ns = deadline();
	/* After a failure go on, to say which others did not come up. */
	for (unsigned i = 0; i < o->nodes + 2; i++) {
		struct topo_host h = topo_host(starting(o, i));

		r = daemon_await(cluster_daemon(o, &h), &h, nodes_seen(o, &h),
			deadline_ns);
		if (r == -EINTR)
			return r;
		if (r < 0)
			worst = r;
	}
	return worst;
}

/* Of a lab that is up with daemons; silent. */
static int
find(const char *host, struct lab_options *o, struct topo_host *h,
	const struct daemon **d)
{
	if (!topo_find(host, h) || state_load(o) < 0 || o->bare)
		return -ENOENT;
	*d = cluster_daemon(o, h);
	return *d ? 0 : -EINVAL;
}

pid_t
cluster_pid(const char *host)
{
	const struct daemon *d;
	struct lab_options o;
	struct topo_host h;

	return find(host, &o, &h, &d) == 0 ? daemon_pid(d, &h) : 0;
}

int
cluster_start(const char *host)
{
	const struct daemon *d;
	struct lab_options o;
	struct topo_host h;
	int r = find(host, &o, &h, &d);

	if (r == -EINVAL || !topo_find(host, &h)) {
		fprintf(stderr, "lab: %s runs no daemon\n", host);
		return -EINVAL;
	}
	if (r < 0) {
		fprintf(stderr, "lab: no cluster to start %s in\n", host);
		return r;
	}
	if (daemon_pid(d, &h)) {
		fprintf(stderr, "lab: %s's daemon runs already\n", host);
		return -EALREADY;
	}
	r = start(&o, &h);
	return r < 0 ? r : daemon_await(d, &h, 0, deadline());
}

/* All its threads, and what they had open, are gone. */
static void
await_end(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	(void)poll(&p, 1, UP_TIMEOUT_S * 1000);
}

int
cluster_kill(const char *host)
{
	pid_t pid = cluster_pid(host);
	own_fd int pidfd = pid ? pidfd_open(pid, 0) : -1;

	if (pidfd < 0) {
		fprintf(stderr, "lab: no daemon runs in '%s'\n", host);
		return -ESRCH;
	}
	/* The group: nginx's workers would stay and serve. */
	if (kill(-pid, SIGKILL) < 0)
		return -errno;
	await_end(pidfd);
	return 0;
}
