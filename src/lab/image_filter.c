/*
 * nginx with its image filter, which Squid asks for what it misses, so that it
 * is distilled before it is cached: the paper's distiller, by others.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/own.h"
#include "lab/daemon.h"
#include "lab/squid.h"
#include "lab/state.h"
#include "lab/topo.h"

/* Two classes of clients, which Squid tells by Vary. Of a GIF that moves the
 * filter would keep one picture. What it can't read it refuses (415), so it has
 * a server of its own, and the first one gets the original then. */
static const char conf_text[] =
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

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	own_free char *path = daemon_file(&daemon_image_filter, h, "conf");
	own_free char *dir = daemon_file(&daemon_image_filter, h, "dir");
	int r = state_mkdir(dir);

	(void)o;
	return r < 0 ? r : state_write(path, conf_text, sizeof(conf_text) - 1);
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static char conf[64], dir[64];
	static const char *const argv[] = {
		"nginx", "-e", "stderr", "-p", dir, "-c", conf, NULL};
	own_free char *path = daemon_file(&daemon_image_filter, h, "conf");
	own_free char *prefix = daemon_file(&daemon_image_filter, h, "dir");

	snprintf(conf, sizeof(conf), "%s", path);
	snprintf(dir, sizeof(dir), "%s/", prefix);
	return argv;
}

static bool
is_ready(const struct topo_host *h, unsigned nodes, struct buf *why)
{
	(void)nodes;
	return daemon_listens_inside(
		&daemon_image_filter, h, IMAGE_FILTER_PORT, why);
}

const struct daemon daemon_image_filter = {
	.name = "nginx",
	.package = "nginx-light",
	.behind = true,
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = is_ready,
};
