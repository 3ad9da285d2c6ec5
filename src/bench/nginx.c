/*
 * See nginx.h. A map from the request line's target, untouched, to
 * "/objects/N" or "/status/S"; then an internal location for the former and
 * one per S for the latter.
 *
 * Map keys that are strings ignore case, and win over regular expressions;
 * targets that differ only in case are therefore all written as expressions.
 */
#include "bench/nginx.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/catalog.h"
#include "bench/content.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
compare_folded(const struct object *a, const struct object *b)
{
	size_t n = a->target.n < b->target.n ? a->target.n : b->target.n;
	int d = strncasecmp(a->target.p, b->target.p, n);

	return d ? d
		 : (a->target.n > b->target.n) - (a->target.n < b->target.n);
}

static int
compare_pointed(const void *a, const void *b)
{
	return compare_folded(*(const struct object *const *)a,
		*(const struct object *const *)b);
}

/* Inside double quotes in nginx.conf. */
static void
quote(struct buf *b, struct str s, bool expression)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (expression && strchr(".*+?()[]{}|^$\\", c))
			buf_z(b, "\\\\");
		else if (c == '"' || c == '\\')
			buf_z(b, "\\");
		buf_append(b, &c, 1);
	}
}

static void
map_line(struct buf *b, const struct catalog *c, const struct object *o,
	bool expression)
{
	buf_z(b, expression ? "\t\t\"~^" : "\t\t\"");
	quote(b, o->target, expression);
	buf_z(b, expression ? "$\" " : "\" ");
	if (o->status == 200)
		buf_printf(b, "/objects/%zu;\n", (size_t)(o - c->objects));
	else
		buf_printf(b, "/status/%u;\n", o->status);
}

static void
map_block(struct buf *b, const struct catalog *c)
{
	own_free const struct object **sorted =
		xcalloc(c->nobjects, sizeof(*sorted));
	size_t n = c->nobjects, longest = 0;

	for (size_t i = 0; i < n; i++) {
		sorted[i] = &c->objects[i];
		if (sorted[i]->target.n > longest)
			longest = sorted[i]->target.n;
	}
	qsort(sorted, n, sizeof(*sorted), compare_pointed);
	/* A bucket holds a handful of keys, or the longest one. */
	buf_printf(
		b, "\tmap_hash_bucket_size %zu;\n", (longest + 256) / 64 * 64);
	buf_printf(b, "\tmap_hash_max_size %zu;\n", 2 * n + 1024);
	buf_z(b, "\tmap $request_uri $object {\n\t\tdefault /status/404;\n");
	for (size_t i = 0; i < n; i++)
		map_line(b, c, sorted[i],
			(i > 0 && !compare_folded(sorted[i - 1], sorted[i])) ||
				(i + 1 < n &&
					!compare_folded(
						sorted[i], sorted[i + 1])));
	buf_z(b, "\t}\n");
}

static const unsigned statuses[] = {
	301, 302, 303, 307, 308, 403, 404, 410, 500, 501, 503};
#define NSTATUSES (sizeof(statuses) / sizeof(*statuses))

static void
path_line(struct buf *b, const char *directive, const char *dir,
	const char *name, const char *end)
{
	buf_printf(b, "\t%s \"", directive);
	quote(b, str_z(dir), false);
	buf_printf(b, "/%s\"%s;\n", name, end);
}

static void
paths(struct buf *b, const char *dir)
{
	path_line(b, "root", dir, "", "");
	path_line(b, "access_log", dir, "access.log", " replay");
	path_line(b, "client_body_temp_path", dir, "temp/body", "");
	path_line(b, "proxy_temp_path", dir, "temp/proxy", "");
	path_line(b, "fastcgi_temp_path", dir, "temp/fastcgi", "");
	path_line(b, "uwsgi_temp_path", dir, "temp/uwsgi", "");
	path_line(b, "scgi_temp_path", dir, "temp/scgi", "");
}

static void
put_conf(struct buf *b, const struct catalog *c, const char *dir, uint16_t port)
{
	/* The files belong to whoever prepared them, which may be root. */
	if (geteuid() == 0)
		buf_z(b, "user root;\n");
	buf_z(b,
		"worker_processes 1;\n"
		"pid nginx.pid;\n"
		"error_log error.log;\n"
		"events {\n\tworker_connections 4096;\n}\n"
		"http {\n"
		"\tsendfile on;\n"
		"\ttcp_nopush on;\n"
		"\tserver_tokens off;\n"
		"\tkeepalive_requests 1000000;\n"
		"\tdefault_type application/octet-stream;\n"
		"\tuninitialized_variable_warn off;\n"
		"\tlog_format replay '$asked $request_uri $status "
		"$body_bytes_sent';\n");
	paths(b, dir);
	map_block(b, c);
	buf_printf(b, "\tserver {\n\t\tlisten %u;\n", port);
	buf_z(b,
		"\t\tadd_header Cache-Control max-age=86400 always;\n"
		"\t\tlocation / {\n"
		"\t\t\tset $asked $request_method;\n"
		"\t\t\trewrite ^ $object last;\n"
		"\t\t}\n"
		/* Files refuse POST; this one asks again as GET. */
		"\t\tlocation /objects/ {\n\t\t\tinternal;\n"
		"\t\t\terror_page 405 =200 $uri;\n\t\t}\n"
		"\t\tlocation /bodies/ {\n\t\t\tinternal;\n\t\t}\n");
	for (size_t i = 0; i < NSTATUSES; i++)
		buf_printf(b,
			"\t\tlocation = /status/%u {\n\t\t\tinternal;\n"
			"\t\t\terror_page %u /bodies/%u;\n"
			"\t\t\treturn %u%s;\n\t\t}\n",
			statuses[i], statuses[i], statuses[i], statuses[i],
			statuses[i] < 400 ? " /" : "");
	buf_z(b, "\t}\n}\n");
}

static int
make_dir(const char *dir, const char *name, char **path)
{
	*path = xasprintf("%s/%s", dir, name);
	if (mkdir(*path, 0755) < 0 && errno != EEXIST)
		return -errno;
	free(take_ptr(path));
	return 0;
}

static int
write_body(const char *dir, const char *sub, size_t name, uint64_t seed,
	uint64_t bytes, char **path)
{
	*path = xasprintf("%s/%s/%zu", dir, sub, name);
	int r = content_write_file(*path, seed, bytes);

	if (r == 0)
		free(take_ptr(path));
	return r;
}

static int
write_conf(const struct catalog *c, const char *dir, uint16_t port, char **path)
{
	own_free char *real = realpath(dir, NULL);
	struct buf b = {0};

	*path = xasprintf("%s/nginx.conf", dir);
	own_file FILE *f = real ? fopen(*path, "we") : NULL;
	if (!f)
		return -errno;
	put_conf(&b, c, real, port);
	bool ok = fwrite(buf_head(&b), 1, buf_len(&b), f) == buf_len(&b) &&
		fflush(f) == 0;
	buf_fini(&b);
	if (!ok)
		return -EIO;
	free(take_ptr(path));
	return 0;
}

static uint64_t
bytes_of(const struct object *o)
{
	return o->bytes == CATALOG_ANY_BYTES ? CATALOG_UNKNOWN_BYTES : o->bytes;
}

static int
write_bodies(const struct catalog *c, const char *dir, char **path)
{
	int r = 0;

	for (size_t i = 0; i < c->nobjects && r == 0; i++)
		if (c->objects[i].status == 200)
			r = write_body(dir, "objects", i, c->objects[i].seed,
				bytes_of(&c->objects[i]), path);
	for (size_t i = 0; i < NSTATUSES && r == 0; i++)
		r = write_body(dir, "bodies", statuses[i],
			catalog_status_seed(statuses[i]), CATALOG_STATUS_BYTES,
			path);
	return r;
}

int
nginx_prepare(
	const struct catalog *c, const char *dir, uint16_t port, char **path)
{
	static const char *const dirs[] = {".", "objects", "bodies", "temp"};
	int r = 0;

	*path = NULL;
	/* A variable's sign, which nginx lets nobody quote. */
	if (strchr(dir, '$'))
		return -EINVAL;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && r == 0; i++)
		r = make_dir(dir, dirs[i], path);
	if (r == 0)
		r = write_bodies(c, dir, path);
	return r == 0 ? write_conf(c, dir, port, path) : r;
}
