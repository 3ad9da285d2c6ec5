/*
 * Varnish on each node, which routes to its siblings as vmod_directors(3)
 * has it for clusters: a shard director says who owns a URL; another's is
 * passed to him, and not stored here; what a sibling asks is answered here,
 * whoever this node thinks the owner is.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/state.h"
#include "lab/topo.h"

static void
backend(struct buf *b, const char *name, const char *addr)
{
	buf_printf(b,
		"backend %s {\n"
		"	.host = \"%s\";\n"
		"	.port = \"80\";\n"
		"}\n",
		name, addr);
}

/* In vcl_recv "n1" is a backend; the siblings' addresses are an ACL. */
static void
vcl(struct buf *b, const struct lab_options *o, const struct topo_host *self)
{
	buf_z(b, "vcl 4.1;\nimport directors;\n");
	backend(b, "origin", TOPO_ORIGIN_ADDR);
	for (unsigned i = 0; i < o->nodes; i++) {
		struct topo_host h = topo_host(TOPO_FIRST_NODE + i);

		backend(b, h.name, h.addr);
	}
	buf_z(b, "acl siblings {\n");
	for (unsigned i = 0; i < o->nodes; i++)
		buf_printf(
			b, "\t\"%s\";\n", topo_host(TOPO_FIRST_NODE + i).addr);
	buf_z(b,
		"}\n"
		"sub vcl_init {\n"
		"	new cluster = directors.shard();\n");
	for (unsigned i = 0; i < o->nodes; i++)
		buf_printf(b, "	cluster.add_backend(%s);\n",
			topo_host(TOPO_FIRST_NODE + i).name);
	buf_printf(b,
		"	cluster.reconfigure();\n"
		"}\n"
		"sub vcl_recv {\n"
		"	set req.backend_hint = origin;\n"
		"	if (client.ip !~ siblings &&\n"
		"	    cluster.backend(by=URL, resolve=NOW) != %s) {\n"
		"		set req.backend_hint = "
		"cluster.backend(by=URL);\n"
		"		return (pass);\n"
		"	}\n"
		"}\n",
		self->name);
}

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	own_free char *path = daemon_file(&daemon_varnish, h, "vcl");
	own_free char *args = daemon_file(&daemon_varnish, h, "storage");
	struct buf b = {0};
	int r;

	vcl(&b, o, h);
	r = state_write(path, buf_head(&b), buf_len(&b));
	buf_consume(&b, buf_len(&b));
	buf_printf(&b, "malloc,%luk", o->cache_bytes >> 10);
	if (r == 0)
		r = state_write(args, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static char dir[64], file[64], storage[32] = "malloc";
	static const char *const argv[] = {"varnishd", "-F", "-j", "none", "-n",
		dir, "-T", "none", "-a", "0.0.0.0:80", "-f", file, "-s",
		storage, "-p", "thread_pools=1", "-p", "timeout_idle=60", "-p",
		"listen_depth=4096", "-p", "vsl_space=8m", NULL};
	own_free char *args = daemon_file(&daemon_varnish, h, "storage");
	own_file FILE *f = fopen(args, "re");

	if (f)
		(void)!fgets(storage, sizeof(storage), f);
	snprintf(dir, sizeof(dir), STATE_DIR "/%s", h->name);
	snprintf(file, sizeof(file), STATE_DIR "/%s.vcl", h->name);
	return argv;
}

static uint64_t
value(const json_t *counters, const char *name)
{
	return (uint64_t)json_integer_value(
		json_object_get(json_object_get(counters, name), "value"));
}

/* Passes go to an owner, who counts them. */
static void
read_counters(const json_t *c, struct lab_stats *out)
{
	out->hits = value(c, "MAIN.cache_hit");
	out->requests = out->hits + value(c, "MAIN.cache_miss") +
		value(c, "MAIN.cache_hitmiss");
	out->objects = value(c, "MAIN.n_object");
	out->bytes = value(c, "SMA.s0.g_bytes");
}

static int
stats(const struct topo_host *h, struct lab_stats *out)
{
	own_free char *dir = xasprintf(STATE_DIR "/%s", h->name);
	const char *const argv[] = {"varnishstat", "-n", dir, "-j", NULL};
	struct buf b = {0};
	int r = daemon_run(h->name, argv, &b);
	json_t *all = json_loadb(buf_head(&b), buf_len(&b), 0, NULL);
	const json_t *counters = json_object_get(all, "counters");

	if (r == 0 && !counters)
		r = -EIO;
	if (r == 0)
		read_counters(counters, out);
	json_decref(all);
	buf_fini(&b);
	return r;
}

/* The manager listens before there is a child that answers. */
static bool
is_ready(const struct topo_host *h, unsigned nodes, struct buf *why)
{
	struct lab_stats s;

	if (!daemon_listens(h, nodes, why))
		return false;
	buf_z(why, ", or has no child that does");
	return stats(h, &s) == 0;
}

const struct daemon daemon_varnish = {
	.name = "varnish",
	.package = "varnish",
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = is_ready,
	.stats = stats,
};
