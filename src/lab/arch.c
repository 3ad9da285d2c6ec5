#include "lab/arch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/cluster.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/state.h"
#include "lab/topo.h"

/* As the paper has it: an owner however busy it is, and one copy. */
#define PAPERS              \
	"    handoff off\n" \
	"    copies  1\n"   \
	"    bound   off\n" \
	"    warmup  off\n"

const struct arch arch_sevenfold = {
	.name = "sevenfold",
	.about = "layer 4 in front, layer 7 on each node; connections move to "
		 "the owner, what is hot has copies",
	.balancer = &daemon_balancer,
	.node = &daemon_node,
	.policies = true,
	.handoff = true,
	.params = "",
};

static const struct arch conventional = {
	.name = "conventional",
	.about = "one layer-7 node in front of caches: all answers cross its "
		 "link",
	.balancer = &daemon_front,
	.node = &daemon_node,
	.policies = true,
	.params = PAPERS,
	.one_copy = true,
	.front = true,
};

static const struct arch distributed = {
	.name = "distributed",
	.about = "the paper's: layer 4 in front, layer 7 on each node, which "
		 "passes on the owner's answers",
	.balancer = &daemon_balancer,
	.node = &daemon_node,
	.policies = true,
	.params = PAPERS,
	.one_copy = true,
};

static const struct arch layer4 = {
	.name = "layer4",
	.about = "layer 4 alone: each node answers whatever it gets, and comes "
		 "to hold everything",
	.balancer = &daemon_balancer,
	.node = &daemon_node,
	.params = PAPERS,
	.alone = true,
};

static const struct arch squid = {
	.name = "squid",
	.about = "distributed, with a Squid behind each node as its cache, as "
		 "the paper had it",
	.balancer = &daemon_balancer,
	.node = &daemon_node,
	.squid = true,
	.policies = true,
	.params = PAPERS,
	.one_copy = true,
};

static const struct arch haproxy = {
	.name = "haproxy",
	.about = "HAProxy in front of nginx caches, balance uri",
	.balancer = &daemon_haproxy,
	.node = &daemon_nginx_cache,
	.one_copy = true,
	.front = true,
};

static const struct arch varnish = {
	.name = "varnish",
	.about = "layer 4 in front of Varnish on each node, which passes to "
		 "the owner (shard director)",
	.balancer = &daemon_balancer,
	.node = &daemon_varnish,
	.params = "",
	.one_copy = true,
	.lag_ms = 3000,
};

static const struct arch trafficserver = {
	.name = "trafficserver",
	.about = "layer 4 in front of Traffic Server on each node, in a "
		 "peering ring",
	.balancer = &daemon_balancer,
	.node = &daemon_traffic_server,
	.params = "",
	.one_copy = true,
	.lag_ms = 6000,
};

static const struct arch *const all[] = {
	&arch_sevenfold,
	&conventional,
	&distributed,
	&layer4,
	&squid,
	&haproxy,
	&varnish,
	&trafficserver,
};

const struct arch *
arch_at(size_t i)
{
	return i < sizeof(all) / sizeof(*all) ? all[i] : NULL;
}

const struct arch *
arch_find(const char *name)
{
	const struct arch *a;

	for (size_t i = 0; (a = arch_at(i)); i++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}

static bool
is_own(const struct arch *a)
{
	return a->node == &daemon_node;
}

int
arch_check(const struct lab_options *o)
{
	const struct arch *a = o->arch;
	const struct {
		bool wrong;
		const char *option, *why;
	} rules[] = {
		{o->policy && !a->policies, "policy",
			is_own(a) ? "nobody chooses an owner there"
				  : "it chooses owners in its own way"},
		{o->handoff == CONF_HANDOFF_ON && !a->handoff, "handoff",
			"connections don't move there"},
		{o->conf && a != &arch_sevenfold, "conf",
			"the lab writes its configuration"},
		{o->distill && !is_own(a), "distill", "it has no distiller"},
		{o->squid && !is_own(a), "cache", "it has caches of its own"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (!rules[i].wrong)
			continue;
		fprintf(stderr, "lab: --%s does not go with --arch %s: %s\n",
			rules[i].option, a->name, rules[i].why);
		return -EINVAL;
	}
	return 0;
}

unsigned
lab_workers(const struct lab_options *o)
{
	if (o->workers)
		return o->workers;
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
}

static int
stats_of(const struct lab_options *o, const struct topo_host *h,
	struct lab_stats *out)
{
	const struct daemon *d = cluster_behind(o, h);

	if (!d)
		d = cluster_daemon(o, h);
	if (!d || !daemon_pid(d, h))
		return -ENOENT;
	return d->stats && d->stats(h, out) < 0 ? -EIO : 0;
}

int
lab_arch_stats(const char *host, struct lab_stats *out)
{
	struct lab_stats s = {0};
	struct lab_options o;
	struct topo_host h;
	int r = -ENOENT;

	if (topo_find(host, &h) && state_load(&o) == 0 && !o.bare)
		r = stats_of(&o, &h, &s);
	if (r < 0) {
		fprintf(stderr, "lab: %s %s\n", host,
			r == -EIO ? "does not say what it has done"
				  : "runs nothing that has figures");
		return r;
	}
	s.cpu_ns = netns_cpu_ns(host);
	*out = s;
	return 0;
}
