/*
 * Traffic Server on each node, in a peering ring (strategies.yaml(5)): the
 * nodes are each other's parents, by a consistent hash of path and query; what
 * comes from a peer is not stored, and whose parent would be himself asks the
 * origin.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/state.h"
#include "lab/topo.h"

static const char runroot[] = "prefix: %s\n"
			      "exec_prefix: %s\n"
			      "bindir: /usr/bin\n"
			      "sbindir: /usr/bin\n"
			      "sysconfdir: %s\n"
			      "datadir: %s\n"
			      "libexecdir: /usr/lib/trafficserver/modules\n"
			      "libdir: /usr/lib/trafficserver\n"
			      "localstatedir: %s\n"
			      "runtimedir: %s\n"
			      "logdir: %s\n"
			      "cachedir: %s\n";

/* What is in its memory is in its store too, a file; neither is larger than the
 * others' caches. */
static const char records[] =
	"CONFIG proxy.config.http.server_ports STRING 80\n"
	"CONFIG proxy.config.exec_thread.autoconfig INT 0\n"
	"CONFIG proxy.config.exec_thread.limit INT %u\n"
	"CONFIG proxy.config.accept_threads INT 0\n"
	"CONFIG proxy.config.task_threads INT 1\n"
	"CONFIG proxy.config.cache.threads_per_disk INT 1\n"
	"CONFIG proxy.config.admin.user_id STRING #-1\n"
	"CONFIG proxy.config.net.connections_throttle INT 8000\n"
	"CONFIG proxy.config.net.listen_backlog INT 4096\n"
	"CONFIG proxy.config.crash_log_helper STRING NULL\n"
	"CONFIG proxy.config.log.logging_enabled INT 2\n"
	"CONFIG proxy.config.log.rolling_enabled INT 0\n"
	"CONFIG proxy.config.log.max_secs_per_buffer INT 1\n"
	"CONFIG proxy.config.log.periodic_tasks_interval INT 1\n"
	"CONFIG proxy.config.diags.show_location INT 0\n"
	"CONFIG proxy.config.cache.ram_cache.size INT %lu\n"
	"CONFIG proxy.config.cache.ram_cache_cutoff INT 32M\n"
	"CONFIG proxy.config.cache.enable_read_while_writer INT 1\n"
	"CONFIG proxy.config.http.background_fill_active_timeout INT 0\n"
	"CONFIG proxy.config.http.background_fill_completed_threshold "
	"FLOAT 0.0\n"
	"CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 60\n"
	"CONFIG proxy.config.http.keep_alive_no_activity_timeout_out INT 60\n"
	"CONFIG proxy.config.http.transaction_no_activity_timeout_in INT 60\n"
	"CONFIG proxy.config.http.insert_request_via_str INT 1\n"
	"CONFIG proxy.config.http.insert_response_via_str INT 0\n"
	"CONFIG proxy.config.http.max_proxy_cycles INT 1\n"
	"CONFIG proxy.config.url_remap.remap_required INT 1\n"
	"CONFIG proxy.config.url_remap.pristine_host_hdr INT 1\n";

/* Its counters don't tell peers from the origin; this does. */
static const char logging[] = "logging:\n"
			      "  formats:\n"
			      "    - name: hops\n"
			      "      format: '%<crc> %<nhi>'\n"
			      "  logs:\n"
			      "    - filename: access\n"
			      "      format: hops\n"
			      "      mode: ascii\n";

static const char ip_allow[] = "ip_allow:\n"
			       "  - apply: in\n"
			       "    ip_addrs: 0/0\n"
			       "    action: allow\n"
			       "    methods: ALL\n";

static void
strategy(struct buf *b, const struct lab_options *o,
	const struct topo_host *self)
{
	buf_z(b, "groups:\n  - &nodes\n");
	for (unsigned i = 0; i < o->nodes; i++)
		buf_printf(b,
			"    - host: %s\n"
			"      protocol:\n"
			"        - scheme: http\n"
			"          port: 80\n"
			"      weight: 1.0\n",
			topo_host(TOPO_FIRST_NODE + i).addr);
	buf_printf(b,
		"strategies:\n"
		"  - strategy: ring\n"
		"    policy: consistent_hash\n"
		"    hash_key: path+query\n"
		"    go_direct: true\n"
		"    parent_is_proxy: false\n"
		"    cache_peer_result: false\n"
		"    groups:\n"
		"      - *nodes\n"
		"    scheme: http\n"
		"    failover:\n"
		"      ring_mode: peering_ring\n"
		"      self: %s\n",
		self->addr);
}

static int
write_and_empty(const char *dir, const char *name, struct buf *b)
{
	own_free char *path = xasprintf("%s/%s", dir, name);
	int r = state_write(path, buf_head(b), buf_len(b));

	buf_consume(b, buf_len(b));
	return r;
}

static int
write_files(
	const char *dir, const struct lab_options *o, const struct topo_host *h)
{
	struct buf b = {0};
	int r;

	buf_printf(&b, runroot, dir, dir, dir, dir, dir, dir, dir, dir);
	r = write_and_empty(dir, "runroot.yaml", &b);
	buf_printf(&b, records, lab_workers(o), o->cache_bytes);
	r |= write_and_empty(dir, "records.config", &b);
	buf_z(&b, ip_allow);
	r |= write_and_empty(dir, "ip_allow.yaml", &b);
	buf_z(&b, logging);
	r |= write_and_empty(dir, "logging.yaml", &b);
	buf_printf(&b, "%s %lu\n", dir, o->cache_bytes);
	r |= write_and_empty(dir, "storage.config", &b);
	buf_z(&b, "stats_over_http.so\n");
	r |= write_and_empty(dir, "plugin.config", &b);
	buf_z(&b, "map / http://" TOPO_ORIGIN_ADDR "/ @strategy=ring\n");
	r |= write_and_empty(dir, "remap.config", &b);
	strategy(&b, o, h);
	r |= write_and_empty(dir, "strategies.yaml", &b);
	buf_fini(&b);
	return r ? -EIO : 0;
}

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	own_free char *dir = xasprintf(STATE_DIR "/%s", h->name);
	int r = state_mkdir(dir);

	return r < 0 ? r : write_files(dir, o, h);
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static char root[96];
	static const char *const argv[] = {"traffic_server", root, NULL};

	snprintf(root, sizeof(root), "--run-root=" STATE_DIR "/%s/runroot.yaml",
		h->name);
	return argv;
}

static uint64_t
value(const json_t *counters, const char *name)
{
	const char *z = json_string_value(json_object_get(counters, name));

	return z ? strtoull(z, NULL, 10) : 0;
}

/* "TCP_MISS 198.18.0.3": asked of the origin; another address is a peer's. A
 * question about figures is neither a hit nor has it a next hop. */
static int
count_requests(const struct topo_host *h, struct lab_stats *out)
{
	own_free char *path = xasprintf(STATE_DIR "/%s/access.log", h->name);
	own_file FILE *f = fopen(path, "re");
	char line[128], code[64], next[32];
	bool hit;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %31s", code, next) != 2)
			continue;
		hit = strstr(code, "HIT");
		out->hits += hit;
		out->requests += hit || !strcmp(next, TOPO_ORIGIN_ADDR);
	}
	return 0;
}

/* Large objects have several entries. */
static int
count_objects(const struct topo_host *h, struct lab_stats *out)
{
	struct buf b = {0};
	int r = daemon_ask(h->name, h->addr, 80,
		"GET /_stats HTTP/1.0\r\nHost: lab\r\n\r\n", &b);
	struct str body = buf_view(&b);
	const char *end = memmem(body.p, body.n, "\r\n\r\n", 4);
	json_t *all = NULL;

	if (end)
		all = json_loadb(
			end + 4, body.n - (size_t)(end + 4 - body.p), 0, NULL);
	const json_t *c = json_object_get(all, "global");

	if (r == 0 && !c)
		r = -EIO;
	if (r == 0) {
		out->objects = value(c, "proxy.process.cache.direntries.used");
		out->bytes = value(c, "proxy.process.cache.bytes_used");
	}
	json_decref(all);
	buf_fini(&b);
	return r;
}

static int
stats(const struct topo_host *h, struct lab_stats *out)
{
	int r = count_requests(h, out);

	return r < 0 ? r : count_objects(h, out);
}

const struct daemon daemon_traffic_server = {
	.name = "trafficserver",
	.package = "trafficserver",
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = daemon_listens,
	.stats = stats,
};
