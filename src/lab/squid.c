#include "lab/squid.h"

#include <stdio.h>

#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/state.h"
#include "lab/topo.h"

enum { PORT = 3128 };

/* An accelerator with a cache in memory. It gives root's rights up, so it can't
 * write files here; what it has to say is on standard error. */
static const char conf_text[] = "http_port 127.0.0.1:3128 accel vhost\n"
				"http_access allow all\n"
				"maximum_object_size_in_memory 32 MB\n"
				"memory_cache_shared off\n"
				"collapsed_forwarding on\n"
				"access_log none\n"
				"cache_log /dev/null\n"
				"cache_store_log none\n"
				"logfile_rotate 0\n"
				"netdb_filename none\n"
				"pid_filename none\n"
				"coredump_dir none\n"
				"max_filedescriptors 4096\n"
				"pinger_enable off\n"
				"shutdown_lifetime 0 seconds\n";

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	own_free char *path = daemon_file(&daemon_squid, h, "conf");
	struct buf b = {0};
	int r;

	/* Half a minute after its start it would ask the origin for a netdb. */
	buf_printf(&b,
		"%svisible_hostname %s\n"
		"cache_mem %lu KB\n"
		"cache_peer %s parent %u 0 no-query no-digest "
		"no-netdb-exchange originserver\n",
		conf_text, h->name, o->cache_bytes >> 10,
		o->distill ? "127.0.0.1" : TOPO_ORIGIN_ADDR,
		o->distill ? IMAGE_FILTER_PORT : 80);
	r = state_write(path, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static char path[64];
	static const char *const argv[] = {
		"squid", "-N", "-d", "1", "-f", path, NULL};
	own_free char *conf = daemon_file(&daemon_squid, h, "conf");

	snprintf(path, sizeof(path), "%s", conf);
	return argv;
}

static bool
is_ready(const struct topo_host *h, unsigned nodes, struct buf *why)
{
	(void)nodes;
	return daemon_listens_inside(&daemon_squid, h, PORT, why);
}

static int
ask(const struct topo_host *h, const char *page, struct buf *out)
{
	char request[96];

	snprintf(request, sizeof(request),
		"GET cache_object://127.0.0.1/%s HTTP/1.0\r\n\r\n", page);
	return daemon_ask(h->name, "127.0.0.1", PORT, request, out);
}

static int
stats(const struct topo_host *h, struct lab_stats *out)
{
	struct buf counters = {0}, info = {0};
	int r = ask(h, "counters", &counters);

	if (r == 0)
		r = ask(h, "info", &info);
	if (r == 0) {
		out->requests = daemon_figure(
			buf_view(&counters), "client_http.requests");
		out->hits =
			daemon_figure(buf_view(&counters), "client_http.hits");
		out->objects = daemon_figure(
			buf_view(&info), "Hot Object Cache Items");
		out->bytes = daemon_figure(buf_view(&info), "Storage Mem size")
			<< 10;
	}
	buf_fini(&counters);
	buf_fini(&info);
	return r;
}

const struct daemon daemon_squid = {
	.name = "squid",
	.package = "squid",
	.behind = true,
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = is_ready,
	.stats = stats,
};
