#include "prog/bench_handoff.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "bench/load.h"
#include "bench/trail.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/topo.h"
#include "prog/bench_repair.h"
#include "prog/handoff_figures.h"

enum {
	CANDIDATES = 12, /* of a size, of which each node will own one */
	KEEP_ALIVE = 64, /* requests on a connection */
};

static const char usage[] =
	"usage: sevenfold bench handoff [--seconds N] [--json]\n"
	"\n"
	"What a request costs two nodes together, in microseconds of CPU, "
	"when\n"
	"the one that gets it has the answer (local), passes it on from the\n"
	"other (relay), or moves the connection there (handoff): with one\n"
	"request on a connection, and with 64. In a lab, a packet's whole "
	"way,\n"
	"to its receiver's socket, is charged to its sender. Needs root.\n"
	"\n"
	"  --seconds N  for each figure (1)\n"
	"  --json       a line of JSON per row\n";

/* What the client's process is to do, and what came of it. */
struct job {
	char target[64];
	unsigned connections, per_connection;
	uint64_t duration_ns; /* 0: one request */
	char owner[32];	      /* of the last answer */
	bool asked;
	struct load_result result;
};

/* --- the client ------------------------------------------------------------
 */

static bool
next(void *ctx, struct load_request *r)
{
	struct job *j = ctx;

	if (!j->duration_ns && j->asked)
		return false;
	j->asked = true;
	r->method = METHOD_GET;
	r->host = STR("lab");
	r->target = str_z(j->target);
	r->status = 200;
	r->bytes = strtoull(j->target + 1, NULL, 10);
	return true;
}

static void
on_head(void *ctx, const struct load_request *r, const struct head *h)
{
	struct job *j = ctx;
	struct trail t = trail_of(h);

	(void)r;
	snprintf(j->owner, sizeof(j->owner), "%.*s", STR_ARG(t.owner));
}

/* All packets for the virtual address go to the first node. */
static int
aim(const void *arg)
{
	static const char *const ip[] = {"ip", "-batch", "-", NULL};
	struct topo_host first = topo_host(TOPO_FIRST_NODE);
	own_free char *line = xasprintf("neigh replace " LAB_VIP
					" lladdr %s nud permanent dev %s\n",
		first.mac, first.dev);

	(void)arg;
	return netns_feed(ip, str_z(line));
}

static int
ask(const void *arg)
{
	struct job *j = *(struct job *const *)arg;
	struct load l = {.port = 80,
		.connections = j->duration_ns ? j->connections : 1,
		.per_connection = j->per_connection,
		.duration_ns = j->duration_ns,
		.next = next,
		.on_head = on_head,
		.ctx = j};

	inet_pton(AF_INET, LAB_VIP, &l.addr);
	return load_run(&l, &j->result);
}

static int
in_client(int (*fn)(const void *), const void *arg)
{
	return netns_wait(netns_start("client", fn, arg));
}

/* --- a figure --------------------------------------------------------------
 */

/* The time that a host's daemon has run. */
static uint64_t
ran_ns(const char *host)
{
	own_free char *folder = xasprintf("/proc/%d/task", (int)lab_pid(host));
	DIR *d = opendir(folder);
	uint64_t total = 0, ran;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		own_free char *path =
			xasprintf("%s/%s/schedstat", folder, e->d_name);
		own_file FILE *f = fopen(path, "re");

		if (f && fscanf(f, "%" SCNu64, &ran) == 1)
			total += ran;
	}
	if (d)
		closedir(d);
	return total;
}

static int
measure(struct job *j, uint64_t duration_ns, unsigned connections,
	unsigned per_connection, struct cost *out)
{
	uint64_t first = ran_ns("n1"), second = ran_ns("n2"), n;
	int r;

	j->duration_ns = duration_ns;
	j->connections = connections;
	j->per_connection = per_connection;
	j->asked = false;
	r = in_client(ask, &j);
	first = ran_ns("n1") - first;
	second = ran_ns("n2") - second;
	n = load_requests(&j->result);
	if (r < 0 || n == 0)
		return r < 0 ? r : -EIO;
	*out = (struct cost){
		.first_us = (double)first / 1e3 / (double)n,
		.both_us = (double)(first + second) / 1e3 / (double)n,
		.p50_ns = hist_quantile(&j->result.latency_ns, 0.5),
		.p99_ns = hist_quantile(&j->result.latency_ns, 0.99),
		.wrong = load_wrong(&j->result),
	};
	return 0;
}

/* One that this node owns, into j->target. */
static int
find_owned(struct job *j, uint64_t size, const char *node)
{
	for (int i = 0; i < CANDIDATES; i++) {
		int r;

		snprintf(j->target, sizeof(j->target), "/%" PRIu64 "-%d", size,
			i);
		j->duration_ns = 0;
		j->asked = false;
		r = in_client(ask, &j);
		if (r < 0)
			return r;
		if (!strcmp(j->owner, node))
			return 0;
	}
	return -ENOENT;
}

/* All sizes of one way, in the lab that is up. */
static int
measure_way(
	enum way way, struct job *j, uint64_t duration_ns, struct figures *out)
{
	for (size_t i = 0; i < FIGURES_SIZES; i++) {
		int r = find_owned(
			j, figures_sizes[i], way == LOCAL ? "n1" : "n2");

		if (r == 0)
			r = measure(j, duration_ns, FIGURES_CONNECTIONS, 1,
				&out->fresh[i][way]);
		if (r == 0)
			r = measure(j, duration_ns, FIGURES_CONNECTIONS,
				KEEP_ALIVE, &out->kept[i][way]);
		if (r == 0 && i == 0)
			r = measure(j, duration_ns, FIGURES_CROWD, 1,
				&out->crowd[way]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
measure_lab(enum conf_handoff handoff, const char *root, uint64_t duration_ns,
	struct figures *out)
{
	struct lab_options o = {.nodes = 2,
		.workers = 1,
		.handoff = handoff,
		.one_copy = true,
		.origin_root = root};
	struct job *j = mmap(NULL, sizeof(*j), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool on = handoff == CONF_HANDOFF_ON;
	int r, down;

	if (j == MAP_FAILED)
		return -errno;
	r = lab_up(&o);
	if (r == 0) {
		r = in_client(aim, NULL);
		if (r == 0 && !on)
			r = measure_way(LOCAL, j, duration_ns, out);
		if (r == 0)
			r = measure_way(
				on ? HANDOFF : RELAY, j, duration_ns, out);
		down = lab_down();
		r = r < 0 ? r : down;
	}
	munmap(j, sizeof(*j));
	return r;
}

/* --- the origin's files ----------------------------------------------------
 */

static int
make_files(const char *folder)
{
	for (size_t i = 0; i < FIGURES_SIZES; i++)
		for (int k = 0; k < CANDIDATES; k++) {
			own_free char *path = xasprintf("%s/%" PRIu64 "-%d",
				folder, figures_sizes[i], k);
			own_fd int fd = open(
				path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

			if (fd < 0 ||
				ftruncate(fd, (off_t)figures_sizes[i]) < 0)
				return -errno;
		}
	return 0;
}

static void
remove_files(const char *folder)
{
	for (size_t i = 0; i < FIGURES_SIZES; i++)
		for (int k = 0; k < CANDIDATES; k++) {
			own_free char *path = xasprintf("%s/%" PRIu64 "-%d",
				folder, figures_sizes[i], k);

			(void)unlink(path);
		}
	(void)rmdir(folder);
}

static void
print(const struct figures *f, bool json)
{
	struct buf out = {0};

	if (json)
		figures_put_json(f, &out);
	else
		figures_put_text(f, &out);
	printf("%.*s", STR_ARG(buf_view(&out)));
	buf_fini(&out);
}

static int
run(uint64_t duration_ns, bool json)
{
	char folder[] = "/tmp/sevenfold-bench-XXXXXX";
	struct figures *f = NEW(struct figures);
	int r = mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -errno;

	f->repair_us = bench_repair_us();
	if (r == 0)
		r = make_files(folder);
	if (r == 0)
		r = measure_lab(CONF_HANDOFF_OFF, folder, duration_ns, f);
	if (r == 0)
		r = measure_lab(CONF_HANDOFF_ON, folder, duration_ns, f);
	if (r == 0) {
		print(f, json);
		r = figures_wrong(f) ? -EBADMSG : 0;
	}
	if (r < 0)
		fprintf(stderr, "sevenfold bench: %s\n", strerror(-r));
	remove_files(folder);
	free(f);
	return r == 0 ? 0 : 1;
}

int
bench_handoff(int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	uint64_t seconds = 1;
	bool json = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == 'h') {
			fputs(usage, stdout);
			return 0;
		} else if (o == 'j') {
			json = true;
		} else if (o != 's' ||
			str_u64(str_z(optarg), 600, &seconds) < 0 ||
			seconds == 0) {
			fputs(usage, stderr);
			return 2;
		}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (geteuid() != 0) {
		fputs("sevenfold bench: needs root, for network namespaces\n",
			stderr);
		return 1;
	}
	return run(seconds * 1000000000, json);
}
