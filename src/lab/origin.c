#include "lab/origin.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/own.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/state.h"
#include "lab/topo.h"

#define ORIGIN_DIR STATE_DIR "/origin"
#define ORIGIN_CONF STATE_DIR "/origin.conf"

/* As root: the files of --origin-root may be anyone's. */
static const char conf_text[] =
	"user root;\n"
	"worker_processes 1;\n"
	"error_log stderr;\n"
	"events { worker_connections 8192; }\n"
	"http {\n"
	"	include /etc/nginx/mime.types;\n"
	"	log_format fetches '$request_uri $status $body_bytes_sent';\n"
	"	access_log " ORIGIN_ACCESS_LOG " fetches;\n"
	"	client_body_temp_path " ORIGIN_DIR "/body;\n"
	"	proxy_temp_path " ORIGIN_DIR "/proxy;\n"
	"	fastcgi_temp_path " ORIGIN_DIR "/fastcgi;\n"
	"	uwsgi_temp_path " ORIGIN_DIR "/uwsgi;\n"
	"	scgi_temp_path " ORIGIN_DIR "/scgi;\n"
	"	sendfile on;\n"
	"	tcp_nopush on;\n"
	"	keepalive_requests 1000000;\n"
	"	server {\n"
	"		listen " TOPO_ORIGIN_ADDR ":80 backlog=4096;\n"
	"		root " ORIGIN_DIR "/root;\n"
	"		expires 1h;\n"
	"	}\n"
	"}\n";

static const char index_text[] =
	"<!doctype html>\n<title>Sevenfold lab</title>\n"
	"<h1>It works</h1>\n"
	"<p>The node that owns this URL has answered you.</p>\n"
	"<ul>\n"
	"<li><a href=\"/1k.txt\">1 KB</a>\n"
	"<li><a href=\"/10k.txt\">10 KB</a>\n"
	"<li><a href=\"/100k.txt\">100 KB</a>\n"
	"<li><a href=\"/1m.txt\">1 MB</a>\n"
	"</ul>\n";

static int
write_lines(const char *path, size_t n)
{
	struct buf b = {0};
	int r;

	for (unsigned i = 1; buf_len(&b) < n; i++)
		buf_printf(&b, "%7u of the lab's own text\n", i);
	r = state_write(path, buf_head(&b), n);
	buf_fini(&b);
	return r;
}

static int
make_pages(void)
{
	static const struct {
		const char *path;
		size_t bytes;
	} pages[] = {
		{ORIGIN_DIR "/root/1k.txt", 1 << 10},
		{ORIGIN_DIR "/root/10k.txt", 10 << 10},
		{ORIGIN_DIR "/root/100k.txt", 100 << 10},
		{ORIGIN_DIR "/root/1m.txt", 1 << 20},
	};
	int r = state_mkdir(ORIGIN_DIR "/root");

	if (r == 0)
		r = state_write(ORIGIN_DIR "/root/index.html", index_text,
			sizeof(index_text) - 1);
	for (size_t i = 0; r == 0 && i < sizeof(pages) / sizeof(*pages); i++)
		r = write_lines(pages[i].path, pages[i].bytes);
	return r;
}

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	int r = state_mkdir(ORIGIN_DIR);

	if (r < 0)
		return r;
	r = o->origin_conf
		? state_link(o->origin_conf, ORIGIN_CONF)
		: state_write(ORIGIN_CONF, conf_text, sizeof(conf_text) - 1);
	if (r < 0)
		return r;
	return o->origin_root ? state_link(o->origin_root, ORIGIN_DIR "/root")
			      : make_pages();
}

/* nginx refuses a directive that is both in its file and on its command
 * line. */
static bool
conf_has(const char *directive)
{
	own_file FILE *f = fopen(ORIGIN_CONF, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		struct str s = str_trim(str_z(line));

		if (str_starts(s, str_z(directive)) &&
			(s.p[strlen(directive)] == ' ' ||
				s.p[strlen(directive)] == '\t'))
			return true;
	}
	return false;
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static char globals[128];
	static const char *const argv[] = {"nginx", "-e", "stderr", "-p",
		ORIGIN_DIR "/", "-c", ORIGIN_CONF, "-g", globals, NULL};

	snprintf(globals, sizeof(globals), "%s%s",
		conf_has("daemon") ? "" : "daemon off;",
		conf_has("pid") ? "" : " pid " ORIGIN_DIR "/nginx.pid;");
	return argv;
}

const struct daemon daemon_origin = {
	.name = "origin",
	.package = "nginx-light",
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = daemon_listens,
};
