/*
 * HAProxy in the balancer's place, and an nginx that caches on each node
 * (nginx_cache.c). What it hashes is the path, consistently: a server has 16
 * points on its ring for each unit of weight, so that 1 would be uneven.
 */
#include <stdio.h>
#include <string.h>

#include "admin/call.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/state.h"
#include "lab/topo.h"

#define CONF STATE_DIR "/haproxy.cfg"
#define SOCKET STATE_DIR "/haproxy.sock"

static const char conf_text[] = "global\n"
				"	nbthread %u\n"
				"	no strict-limits\n"
				"	maxconn 8000\n"
				"	stats socket " SOCKET " level user\n"
				"defaults\n"
				"	mode http\n"
				"	timeout connect 10s\n"
				"	timeout client 60s\n"
				"	timeout server 60s\n"
				"	timeout check 10s\n"
				"	timeout http-keep-alive 60s\n"
				"	http-reuse always\n"
				"frontend clients\n"
				"	bind :80 backlog 4096\n"
				"	default_backend caches\n"
				"backend caches\n"
				"	balance uri\n"
				"	hash-type consistent\n";

static int
prepare(const struct lab_options *o, const struct topo_host *h)
{
	struct buf b = {0};
	int r;

	buf_printf(&b, conf_text, lab_workers(o));
	for (unsigned i = 0; i < o->nodes; i++) {
		struct topo_host n = topo_host(TOPO_FIRST_NODE + i);

		buf_printf(&b, "	server %s %s:80 weight 16 check\n",
			n.name, n.addr);
	}
	r = state_write(CONF, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

static const char *const *
get_argv(const struct topo_host *h)
{
	static const char *const argv[] = {"haproxy", "-db", "-f", CONF, NULL};

	return argv;
}

/* The index of the column called name in the first line; columns if none. */
static size_t
column(struct str csv, const char *name)
{
	struct str line, cell;
	size_t i = 0;

	if (!str_split(&csv, '\n', &line))
		return 0;
	while (str_split(&line, ',', &cell) && !str_eq(cell, str_z(name)))
		i++;
	return i;
}

static struct str
cell_at(struct str line, size_t i)
{
	struct str cell = {0};

	for (size_t at = 0; at <= i; at++)
		if (!str_split(&line, ',', &cell))
			return STR("");
	return cell;
}

/* Lines are "caches,n1,..." for servers, and "caches,BACKEND,..." for all. A
 * server that has not been checked yet is up, too, in its own words. */
static void
read_stats(struct str csv, unsigned *up, uint64_t *requests)
{
	size_t check = column(csv, "check_status"),
	       total = column(csv, "req_tot");
	struct str line;

	while (str_split(&csv, '\n', &line)) {
		if (str_starts(line, STR("caches,BACKEND,")))
			(void)str_u64(
				cell_at(line, total), UINT64_MAX, requests);
		else if (str_starts(line, STR("caches,")))
			*up += str_eq(cell_at(line, check), STR("L4OK"));
	}
}

static int
ask(unsigned *up, uint64_t *requests)
{
	struct buf b = {0};
	int r = admin_call(SOCKET, "show stat\n", 2, &b);

	*up = 0;
	*requests = 0;
	if (r == 0)
		read_stats(buf_view(&b), up, requests);
	buf_fini(&b);
	return r;
}

static bool
is_ready(const struct topo_host *h, unsigned nodes, struct buf *why)
{
	uint64_t requests;
	unsigned up;

	if (ask(&up, &requests) < 0) {
		buf_z(why, "does not answer on its socket");
		return false;
	}
	if (up < nodes) {
		buf_printf(why, "sees %u of %u nodes up", up, nodes);
		return false;
	}
	return daemon_listens(h, nodes, why);
}

static int
stats(const struct topo_host *h, struct lab_stats *out)
{
	unsigned up;

	return ask(&up, &out->requests);
}

const struct daemon daemon_haproxy = {
	.name = "haproxy",
	.package = "haproxy",
	.prepare = prepare,
	.argv = get_argv,
	.is_ready = is_ready,
	.stats = stats,
};
