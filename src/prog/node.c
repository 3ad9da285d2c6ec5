/*
 * sevenfold node: a member of the cluster. Turns the configuration into what
 * proxy/ wants to know, and runs it in the foreground.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "prog/secret.h"
#include "prog/verb.h"
#include "proxy/node.h"

static const char usage[] =
	"usage: sevenfold node [-c FILE] [--name NAME] [--socket PATH] [-v]\n"
	"\n"
	"  -c FILE        the configuration (/etc/sevenfold.conf)\n"
	"  --name NAME    which node of it this is (the one whose address is\n"
	"                 this machine's)\n"
	"  --socket PATH  the admin socket (/run/sevenfold/NAME.sock)\n"
	"  -v             log more\n";

static const enum node_handoff handoffs[] = {
	[CONF_HANDOFF_AUTO] = NODE_HANDOFF_AUTO,
	[CONF_HANDOFF_ON] = NODE_HANDOFF_ON,
	[CONF_HANDOFF_OFF] = NODE_HANDOFF_OFF,
};

/* The node whose address is one of this machine's; -1: none, -2: several. */
static int
find_self(const struct conf *conf)
{
	struct ifaddrs *list, *i;
	int found = -1;

	if (getifaddrs(&list) < 0)
		return -1;
	for (size_t n = 0; n < conf->nnodes; n++)
		for (i = list; i; i = i->ifa_next) {
			struct sockaddr_in *in = (void *)i->ifa_addr;

			if (!in || in->sin_family != AF_INET ||
				in->sin_addr.s_addr !=
					conf->nodes[n].addr.s_addr)
				continue;
			found = found == -1 || found == (int)n ? (int)n : -2;
		}
	freeifaddrs(list);
	return found;
}

static int
choose_self(const struct conf *conf, const char *name)
{
	int self = name ? conf_node_index(conf, name) : find_self(conf);

	if (self >= 0)
		return self;
	if (name)
		fprintf(stderr,
			"sevenfold: the configuration has no node '%s'\n",
			name);
	else
		fprintf(stderr,
			"sevenfold: %s of the configuration's nodes has an "
			"address of this machine; say which with --name\n",
			self == -1 ? "none" : "more than one");
	return -1;
}

static unsigned
cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}

/* What node_config only borrows. */
struct lists {
	struct node_peer *peers;
	struct node_site *sites;
	struct node_prefix *forward, *proxy_protocol;
	struct node_group *groups;
	struct node_rule *rules;
};

static struct node_prefix *
copy_prefixes(const struct conf_prefixes *from, struct node_prefixes *out)
{
	struct node_prefix *v = xcalloc(from->n, sizeof(*v));

	for (size_t i = 0; i < from->n; i++)
		v[i] = (struct node_prefix){from->v[i].addr, from->v[i].bits};
	*out = (struct node_prefixes){v, from->n};
	return v;
}

static_assert((int)CONF_ORIGINS_MAX <= (int)NODE_ORIGINS_MAX, "see conf.h");

static_assert((int)CONF_WIDTHS_MAX <= (int)CLASS_WIDTHS_MAX, "see conf.h");

static struct distill_rules
distill_rules(const struct conf_site *s)
{
	struct distill_rules r = {
		.images = s->distill.images,
		.text = s->distill.text,
		.avif = s->distill.avif,
		.quality = s->distill_quality,
		.save_quality = s->distill_save_quality,
		.wait_ns = s->distill_wait_ns,
		.original = s->distill_original,
	};

	for (int i = 0; i < CONF_WIDTHS_MAX; i++)
		r.widths[i] = s->distill_widths[i];
	return r;
}

/* Where the site is asked for: its origins, or the cache before them. */
static struct node_origin *
copy_origins(const struct conf *c, const struct conf_site *s)
{
	struct node_origin *origins = xcalloc(s->norigins, sizeof(*origins));

	if (c->cache_host)
		origins[0] =
			(struct node_origin){c->cache_host, c->cache_port, 1};
	for (size_t i = 0; i < s->norigins && !c->cache_host; i++)
		origins[i] = (struct node_origin){s->origins[i].host,
			s->origins[i].port, s->origins[i].weight};
	return origins;
}

static struct node_site
copy_site(const struct conf *c, const struct conf_site *s)
{
	return (struct node_site){
		.hosts = (const char *const *)s->hosts,
		.nhosts = s->nhosts,
		.origins = copy_origins(c, s),
		.norigins = c->cache_host ? 1 : s->norigins,
		.check_path = c->cache_host ? NULL : s->check_path,
		.check_interval_ns = s->check_interval_ns,
		.check_fall = s->check_fall,
		.check_rise = s->check_rise,
		.distill = distill_rules(s),
	};
}

static struct node_place
copy_place(const struct conf_place *p)
{
	return (struct node_place){
		p->policy, {.points = p->points, .shared = p->shared}};
}

static size_t
find_group(const struct conf *conf, const char *name)
{
	size_t i = 0;

	while (strcmp(conf->groups[i].name, name) != 0)
		i++;
	return i;
}

static_assert((int)CONF_GROUPS_MAX <= (int)NODE_GROUPS_MAX, "see conf.h");

static void
fill_groups(const struct conf *conf, struct lists *l)
{
	l->groups = xcalloc(conf->ngroups, sizeof(*l->groups));
	for (size_t i = 0; i < conf->ngroups; i++) {
		const struct conf_group *g = &conf->groups[i];

		l->groups[i] = (struct node_group){g->name,
			copy_place(g->place.policy ? &g->place : &conf->place),
			(const char *const *)g->nodes, g->nnodes};
	}
	l->rules = xcalloc(conf->nrules, sizeof(*l->rules));
	for (size_t i = 0; i < conf->nrules; i++) {
		const struct conf_rule *r = &conf->rules[i];

		l->rules[i] = (struct node_rule){find_group(conf, r->group),
			r->host, r->path, r->header, r->value};
	}
}

static void
fill_lists(const struct conf *conf, struct lists *l, struct node_config *config)
{
	l->peers = xcalloc(conf->nnodes, sizeof(*l->peers));
	for (size_t i = 0; i < conf->nnodes; i++)
		l->peers[i] = (struct node_peer){conf->nodes[i].name,
			conf->nodes[i].addr, conf->nodes[i].weight};
	l->sites = xcalloc(conf->nsites, sizeof(*l->sites));
	for (size_t i = 0; i < conf->nsites; i++)
		l->sites[i] = copy_site(conf, &conf->sites[i]);
	l->forward = copy_prefixes(&conf->forward, &config->forward);
	l->proxy_protocol =
		copy_prefixes(&conf->proxy_protocol, &config->proxy_protocol);
	fill_groups(conf, l);
	config->groups = l->groups;
	config->rules = l->rules;
	config->peers = l->peers;
	config->sites = l->sites;
}

static void
free_lists(struct lists *l, size_t nsites)
{
	for (size_t i = 0; i < nsites; i++)
		free((void *)(uintptr_t)l->sites[i].origins);
	free(l->peers);
	free(l->sites);
	free(l->forward);
	free(l->proxy_protocol);
	free(l->groups);
	free(l->rules);
}

/* But for what has a place of its own: the lists, the secret, the socket. */
static struct node_config
config_of(const struct conf *conf, size_t self)
{
	return (struct node_config){
		.cluster = conf->cluster,
		.vip = conf->vip,
		.vip_port = conf->vip_port,
		.vip6 = conf->vip6,
		.peer_port = conf->peer_port,
		.status_port = conf->status_port,
		.place = copy_place(&conf->place),
		.ngroups = conf->ngroups,
		.nrules = conf->nrules,
		.copies_pct = conf->copies_pct,
		.bound_pct = conf->bound_pct,
		.warmup_ns = conf->warmup_ns,
		.ramp_ns = conf->ramp_ns,
		.npeers = conf->nnodes,
		.self = self,
		.nsites = conf->nsites,
		.connect_ports = conf->connect_ports.v,
		.nconnect_ports = conf->connect_ports.n,
		.workers = conf->workers ? conf->workers : cores(),
		.handoff = handoffs[conf->handoff],
		.steers_at_xdp = conf->hook == CONF_HOOK_XDP,
		.cache_bytes = conf->cache_bytes,
		.object_max_bytes = conf->object_max_bytes,
		.passes = conf->cache_host,
		.head_timeout_ns = conf->head_timeout_ns,
		.body_timeout_ns = conf->body_timeout_ns,
		.idle_timeout_ns = conf->idle_timeout_ns,
		.tunnel_timeout_ns = conf->tunnel_timeout_ns,
		.min_rate_bytes = conf->min_rate_bytes,
		.limits = {conf->request_line_max_bytes, conf->field_max_bytes,
			conf->head_max_bytes, conf->fields_max,
			conf->body_max_bytes},
		.connect_timeout_ns = conf->connect_timeout_ns,
		.first_byte_timeout_ns = conf->first_byte_timeout_ns,
		.between_timeout_ns = conf->between_timeout_ns,
		.origin_keepalive_ns = conf->origin_keepalive_ns,
		.origin_idle_max = conf->origin_idle_max,
		.resolver = conf->resolver,
		.resolver_port = conf->resolver_port,
	};
}

/* Says what is wrong with it. */
static int
read_secret(const char *file, struct buf *out)
{
	int r = file ? secret_read(file, out) : 0;

	if (r < 0)
		fprintf(stderr, "sevenfold: %s: %s\n", file, secret_error(r));
	return r;
}

static int
run(const struct conf *conf, size_t self, const char *socket)
{
	struct node_config config = config_of(conf, self);
	own_free char *path = socket
		? xstrdup(socket)
		: xasprintf("/run/sevenfold/%s.sock", conf->nodes[self].name);
	struct buf secret = {0};
	struct lists lists;
	int status;

	if (read_secret(conf->secret_file, &secret) < 0) {
		buf_fini(&secret);
		return 1;
	}
	config.admin_socket = path;
	config.secret = buf_view(&secret);
	fill_lists(conf, &lists, &config);
	log_info("start version=%s cluster=%s workers=%u cache_bytes=%llu "
		 "policy=%s",
		SEVENFOLD_VERSION, conf->cluster, config.workers,
		(unsigned long long)config.cache_bytes,
		config.place.policy->name);
	status = node_run(&config);
	free_lists(&lists, conf->nsites);
	buf_fini(&secret);
	return status;
}

int
verb_node(int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'},
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *file = "/etc/sevenfold.conf", *name = NULL, *socket = NULL;
	enum log_level level = LOG_INFO;
	struct conf *conf;
	int o, self, status;

	while ((o = getopt_long(argc, argv, "c:vh", options, NULL)) != -1)
		switch (o) {
		case 'c': file = optarg; break;
		case 'n': name = optarg; break;
		case 's': socket = optarg; break;
		case 'v': level = LOG_DEBUG; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (conf_load(file, &conf) < 0)
		return 1;
	self = choose_self(conf, name);
	if (self < 0) {
		conf_free(conf);
		return 1;
	}
	log_setup(level, conf->nodes[self].name);
	status = run(conf, (size_t)self, socket);
	conf_free(conf);
	return status;
}
