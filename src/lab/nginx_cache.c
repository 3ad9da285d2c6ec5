/*
 * nginx as a node's cache. Its objects are files; they are in the kernel's page
 * cache when they are asked for. Its access log has a word a request, HIT or
 * another, since its own counters don't know hits.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/state.h"
#include "lab/topo.h"

/* In each, the host's name. */
static const char conf_text[] =
	"user root;\n"
	"worker_processes %u;\n"
	"pid " STATE_DIR "/%s/nginx.pid;\n"
	"error_log stderr;\n"
	"events { worker_connections 8192; }\n"
	"http {\n"
	"	log_format outcome '$upstream_cache_status';\n"
	"	access_log " STATE_DIR "/logs/%s-access.log outcome;\n"
	"	server_tokens off;\n"
	"	sendfile on;\n"
	"	keepalive_timeout 60s;\n"
	"	keepalive_requests 1000000;\n"
	"	client_body_temp_path body;\n"
	"	proxy_temp_path proxy;\n"
	"	fastcgi_temp_path fastcgi;\n"
	"	uwsgi_temp_path uwsgi;\n"
	"	scgi_temp_path scgi;\n"
	"	proxy_cache_path " STATE_DIR "/%s/cache levels=1:2\n"
	"		keys_zone=all:16m max_size=%lu inactive=1d\n"
	"		use_temp_path=off;\n"
	"	upstream origin {\n"
	"		server " TOPO_ORIGIN_ADDR ":80;\n"
	"		keepalive 64;\n"
	"		keepalive_requests 1000000;\n"
	"	}\n"
	"	server {\n"
	"		listen 80 backlog=4096;\n"
	"		location / {\n"
	"			proxy_pass http://origin;\n"
	"			proxy_http_version 1.1;\n"
	"			proxy_set_header Connection '';\n"
	"			proxy_set_header Host $host;\n"
	"			proxy_cache all;\n"
	"			proxy_cache_key $host$request_uri;\n"
	"			proxy_cache_lock on;\n"
	"		}\n"
	"	}\n"
	"}\n";

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	own_free char *path = daemon_file(&daemon_nginx_cache, h, "conf");
	own_free char *dir = xasprintf(STATE_DIR "/%s", h->name);
	struct buf b = {0};
	int r = state_mkdir(dir);

	buf_printf(&b, conf_text, lab_workers(o), h->name, h->name, h->name,
		o->cache_bytes);
	if (r == 0)
		r = state_write(path, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static char dir[64], conf[64];
	static const char *const argv[] = {"nginx", "-e", "stderr", "-p", dir,
		"-c", conf, "-g", "daemon off;", NULL};

	snprintf(dir, sizeof(dir), STATE_DIR "/%s/", h->name);
	snprintf(conf, sizeof(conf), STATE_DIR "/%s.conf", h->name);
	return argv;
}

static int
count_requests(const struct topo_host *h, struct lab_stats *out)
{
	own_free char *path =
		xasprintf(STATE_DIR "/logs/%s-access.log", h->name);
	own_file FILE *f = fopen(path, "re");
	char line[32];

	if (!f)
		return -EIO;
	while (fgets(line, sizeof(line), f)) {
		out->requests++;
		out->hits += !strcmp(line, "HIT\n");
	}
	return 0;
}

/* What is not written yet has a dot in its name. */
static int
count_objects(const struct topo_host *h, struct lab_stats *out)
{
	own_free char *path = xasprintf(STATE_DIR "/%s/cache", h->name);
	char *const paths[] = {path, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	if (!fts)
		return -EIO;
	while ((e = fts_read(fts))) {
		if (e->fts_info != FTS_F || strchr(e->fts_name, '.'))
			continue;
		out->objects++;
		out->bytes += (uint64_t)e->fts_statp->st_size;
	}
	fts_close(fts);
	return 0;
}

static int
stats(const struct topo_host *h, struct lab_stats *out)
{
	int r = count_requests(h, out);

	return r < 0 ? r : count_objects(h, out);
}

const struct daemon daemon_nginx_cache = {
	.name = "nginx",
	.package = "nginx-light",
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = daemon_listens,
	.stats = stats,
};
