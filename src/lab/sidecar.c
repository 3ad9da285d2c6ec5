#include "lab/sidecar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "lab/cluster.h"
#include "lab/state.h"
#include "lab/topo.h"

enum { UP_TIMEOUT_S = 10, LISTEN = 10 /* in /proc/net/tcp */ };

static const struct {
	const char *suffix;
	unsigned port;
} sidecars[SIDECARS] = {
	[SIDECAR_DISTILLER] = {"-distiller", 3129},
	[SIDECAR_SQUID] = {"-squid", 3128},
};

/* An accelerator with a cache in memory. It gives root's rights up, so it can't
 * write files here; what it has to say is on standard error. */
static const char squid_text[] = "http_port 127.0.0.1:3128 accel vhost\n"
				 "http_access allow all\n"
				 "cache_mem 256 MB\n"
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

/* Two classes of clients, which Squid tells by Vary. Of a GIF that moves the
 * filter would keep one picture. What it can't read it refuses (415), so it has
 * a server of its own, and the first one gets the original then. */
static const char distiller_text[] =
	"load_module "
	"/usr/lib/nginx/modules/ngx_http_image_filter_module.so;\n"
	"user root;\n"
	"daemon off;\n"
	"worker_processes 1;\n"
	"error_log stderr;\n"
	"pid nginx.pid;\n"
	"events { worker_connections 4096; }\n"
	"http {\n"
	"	access_log off;\n"
	"	client_body_temp_path body;\n"
	"	proxy_temp_path proxy;\n"
	"	fastcgi_temp_path fastcgi;\n"
	"	uwsgi_temp_path uwsgi;\n"
	"	scgi_temp_path scgi;\n"
	"	map $http_save_data $width { default 1080; ~*^on 320; }\n"
	"	map $http_save_data $quality { default 75; ~*^on 45; }\n"
	"	proxy_set_header Host $http_host;\n"
	"	server {\n"
	"		listen 127.0.0.1:3129;\n"
	"		location / { proxy_pass http://" TOPO_ORIGIN_ADDR
	"; }\n"
	"		location ~ \\.(jpe?g|png)$ {\n"
	"			proxy_pass http://127.0.0.1:3130;\n"
	"			proxy_intercept_errors on;\n"
	"			error_page 415 = @original;\n"
	"		}\n"
	"		location @original {\n"
	"			proxy_pass http://" TOPO_ORIGIN_ADDR ";\n"
	"		}\n"
	"	}\n"
	"	server {\n"
	"		listen 127.0.0.1:3130;\n"
	"		location / {\n"
	"			proxy_pass http://" TOPO_ORIGIN_ADDR ";\n"
	"			image_filter resize $width -;\n"
	"			image_filter_jpeg_quality $quality;\n"
	"			image_filter_interlace on;\n"
	"			image_filter_buffer 32M;\n"
	"			add_header Vary Save-Data;\n"
	"		}\n"
	"	}\n"
	"}\n";

char *
sidecar_name(enum sidecar s, const char *host)
{
	return xasprintf("%s%s", host, sidecars[s].suffix);
}

static char *
conf_of(enum sidecar s, const char *host)
{
	return xasprintf(STATE_DIR "/%s%s.conf", host, sidecars[s].suffix);
}

static int
prepare_squid(const char *host, bool distills)
{
	own_free char *path = conf_of(SIDECAR_SQUID, host);
	struct buf b = {0};
	int r;

	buf_printf(&b,
		"%svisible_hostname %s\n"
		"cache_peer %s parent %u 0 no-query no-digest originserver\n",
		squid_text, host, distills ? "127.0.0.1" : TOPO_ORIGIN_ADDR,
		distills ? sidecars[SIDECAR_DISTILLER].port : 80);
	r = state_write(path, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

static int
prepare_distiller(const char *host)
{
	own_free char *path = conf_of(SIDECAR_DISTILLER, host);
	own_free char *name = sidecar_name(SIDECAR_DISTILLER, host);
	own_free char *dir = xasprintf(STATE_DIR "/%s", name);
	int r = state_mkdir(dir);

	return r < 0
		? r
		: state_write(path, distiller_text, sizeof(distiller_text) - 1);
}

int
sidecar_prepare(const char *host, bool distills)
{
	int r = distills ? prepare_distiller(host) : 0;

	return r < 0 ? r : prepare_squid(host, distills);
}

bool
sidecar_is_wanted(enum sidecar s, const char *host)
{
	own_free char *path = conf_of(s, host);

	return access(path, F_OK) == 0;
}

const char *const *
sidecar_argv(const char *name)
{
	static char conf[64], dir[64];
	static const char *const argvs[SIDECARS][8] = {
		[SIDECAR_DISTILLER] = {"nginx", "-e", "stderr", "-p", dir, "-c",
			conf, NULL},
		[SIDECAR_SQUID] = {"squid", "-N", "-d", "1", "-f", conf, NULL},
	};
	const char *dash = strchr(name, '-');

	for (unsigned s = 0; dash && s < SIDECARS; s++) {
		if (strcmp(dash, sidecars[s].suffix) != 0)
			continue;
		snprintf(conf, sizeof(conf), STATE_DIR "/%s.conf", name);
		snprintf(dir, sizeof(dir), STATE_DIR "/%s/", name);
		return argvs[s];
	}
	return NULL;
}

/* The sockets of its namespace say so. */
bool
sidecar_is_up(enum sidecar s, const char *host)
{
	own_free char *name = sidecar_name(s, host);
	pid_t pid = cluster_pid_of(host, name);
	own_free char *path = xasprintf("/proc/%d/net/tcp", pid);
	own_file FILE *f = pid ? fopen(path, "re") : NULL;
	unsigned port, state;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %*8x:%x %*8x:%*x %x", &port, &state) ==
				2 &&
			port == sidecars[s].port && state == LISTEN)
			return true;
	return false;
}

int
sidecar_await(enum sidecar s, const char *host)
{
	uint64_t deadline_ns = clock_mono_ns() + UP_TIMEOUT_S * NS_PER_S;
	own_free char *name = sidecar_name(s, host);
	int r = 0;

	while (r == 0 && !sidecar_is_up(s, host)) {
		r = state_pause(20);
		if (clock_mono_ns() <= deadline_ns)
			continue;
		fprintf(stderr,
			"lab: %s does not come up; see " STATE_DIR
			"/logs/%s.log\n",
			name, name);
		return -ETIMEDOUT;
	}
	return r;
}
