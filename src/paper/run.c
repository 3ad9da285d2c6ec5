/* See run.h. */
#include "paper/run.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/mix.h"
#include "bench/nginx.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/shape.h"
#include "lab/state.h"
#include "paper/clients.h"
#include "paper/gauge.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* Two cores carry about so many requests a second with a connection for each,
 * bodies of 10 to 25 kB, through the balancer and one node. */
enum { REQUESTS_MAX = 2000 };
/* With such links a node's share of a core is used up before its link. */
enum { TIME_LINK_FACTOR = 5 };
/* The origin is not what is measured. */
#define ORIGIN_BITS UINT64_C(10000000000)
/* Warm is who asks the origin for less than this share of the requests. */
#define WARM_FETCHES 0.02

void
run_setup(const struct run_options *o, char *out, size_t size)
{
	snprintf(out, size,
		"link=%.4gM warm=%gs measured=%gs per_server=%u "
		"share=%g%% seed=%llu",
		(double)o->link_bits / 1e6, o->warm_s, o->measure_s,
		o->per_server, o->share_millicores / 10.0,
		(unsigned long long)o->seed);
}

static bool
is_over(uint64_t link_bits, const struct cell *c, double mean_bytes)
{
	return (double)link_bits / 8 / mean_bytes * c->nodes > REQUESTS_MAX;
}

uint64_t
run_link_bits(const struct run_options *o, const struct cell *c)
{
	uint64_t bits = o->link_bits;
	struct mix m = {0};

	if (c->scarce == SCARCE_TIME)
		return bits * TIME_LINK_FACTOR;
	if (!mix_named(&m, str_z(c->workload), o->seed))
		return bits;
	double mean = mix_mean_bytes(&m) + MIX_HEAD_BYTES;
	while (is_over(bits, c, mean))
		bits /= 2;
	mix_fini(&m);
	return bits;
}

/* With slower links all takes longer, until it is as it will be, too. */
static double
warm_s(const struct run_options *o, const struct cell *c, uint64_t link_bits)
{
	uint64_t usual = o->link_bits;

	if (c->scarce == SCARCE_LINK && link_bits < usual)
		return o->warm_s * (double)usual / (double)link_bits;
	return o->warm_s;
}

double
run_expected_s(const struct run_options *o, const struct cell *c)
{
	/* up and down: some daemons at once, and a few of each host */
	return warm_s(o, c, run_link_bits(o, c)) + o->measure_s + 1 +
		0.25 * c->nodes;
}

/* --- the pieces of a run --- */

struct run {
	const struct run_options *o;
	const struct cell *cell;
	struct lab_options lab;
	struct mix mix;
	char *origin_folder, *origin_conf, *origin_log; /* owned */
	struct clients clients;
	struct hist *late_ns; /* owned: shared memory */
	pid_t sleeper;
};

static int
prepare_origin(struct run *run)
{
	own_free char *path = NULL;
	int r;

	run->origin_folder =
		xasprintf("%s/%s", run->o->folder, run->cell->workload);
	run->origin_conf = xasprintf("%s/nginx.conf", run->origin_folder);
	run->origin_log = xasprintf("%s/access.log", run->origin_folder);
	if (!mix_named(&run->mix, str_z(run->cell->workload), run->o->seed))
		return -EINVAL;
	r = nginx_prepare(&run->mix.catalog, run->origin_folder, 80, &path);
	if (r < 0)
		fprintf(stderr, "paper: %s: %s\n",
			path ? path : run->origin_folder, strerror(-r));
	return r;
}

static void
choose_lab(struct run *run, uint64_t link_bits)
{
	const struct cell *c = run->cell;
	unsigned as_many = 2 * c->nodes > 10 ? 2 * c->nodes : 10;

	run->lab = (struct lab_options){
		.nodes = c->nodes,
		.arch = c->arch,
		.policy = *c->policy ? policy_find(c->policy) : NULL,
		.link_bits = link_bits,
		.client_link_bits = as_many * link_bits,
		.cpu_millicores =
			c->scarce == SCARCE_TIME ? run->o->share_millicores : 0,
		.workers = 1,
		.origin_conf = run->origin_conf,
	};
}

/* What a process in a host tells tc. */
struct queue {
	const char *dev;
};

static int
widen(const void *arg)
{
	static const char *const tc[] = {"tc", "-batch", "-", NULL};
	const struct queue *q = arg;
	struct buf line = {0};
	int r;

	shape_queue(&line, q->dev, ORIGIN_BITS);
	r = netns_feed(tc, buf_view(&line));
	buf_fini(&line);
	return r;
}

static int
widen_origin(void)
{
	const struct queue own = {"eth0"}, port = {"p-origin"};
	int r = netns_wait(netns_start("origin", widen, &own));

	return r < 0 ? r : netns_wait(netns_start("switch", widen, &port));
}

static int
sleep_for_ever(const void *late_ns)
{
	strain_sleep(*(struct hist *const *)late_ns);
}

static int
start_sleeper(struct run *run)
{
	run->late_ns = mmap(NULL, sizeof(*run->late_ns), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run->late_ns == MAP_FAILED) {
		run->late_ns = NULL;
		return -errno;
	}
	run->sleeper = netns_start(NULL, sleep_for_ever, &run->late_ns);
	return run->sleeper < 0 ? -errno : 0;
}

static int
start_clients(struct run *run, uint64_t link_bits)
{
	const struct cell *c = run->cell;
	double slower = 100e6 / (double)link_bits; /* than the paper's */

	run->clients = (struct clients){
		.mix = &run->mix,
		.connections = run->o->per_server * c->nodes,
		.rate = c->rate * c->nodes,
		.timeout_ns = (uint64_t)(30e9 * fmax(1, slower)),
	};
	return clients_start(&run->clients);
}

static void
run_fini(struct run *run)
{
	clients_end(&run->clients);
	if (run->sleeper > 0) {
		kill(run->sleeper, SIGKILL);
		(void)netns_wait(run->sleeper);
	}
	if (run->late_ns)
		munmap(run->late_ns, sizeof(*run->late_ns));
	mix_fini(&run->mix);
	free(run->origin_folder);
	free(run->origin_conf);
	free(run->origin_log);
}

/* --- a run --- */

static int
pause_s(double s)
{
	uint64_t end_ns = clock_mono_ns() + (uint64_t)(s * 1e9), now;
	int r = 0;

	/* state_pause() takes whole milliseconds, in an unsigned. */
	while (r == 0 && (now = clock_mono_ns()) < end_ns) {
		uint64_t ms = (end_ns - now) / NS_PER_MS + 1;

		r = state_pause(ms < 1000 ? (unsigned)ms : 1000);
	}
	return r;
}

/* So many requests, and fetches of the origin, so far. */
static int
progress(struct run *run, double *requests, double *fetches)
{
	uint64_t n;
	int r = gauge_fetches(run->origin_log, &n);

	if (r < 0)
		return r;
	if (!clients_run(&run->clients)) {
		fputs("paper: the clients have ended\n", stderr);
		return -ECHILD;
	}
	*requests = (double)load_requests(&run->clients.tally->load);
	*fetches = (double)n;
	return 0;
}

/* For so long, and as long again while caches still miss. */
static int
warm_up(struct run *run)
{
	double asked = 0, fetched = 0, asked_now, fetched_now;
	double s = warm_s(run->o, run->cell, run->lab.link_bits);
	double end_s = 2 * s;
	int r = pause_s(s);

	if (r == 0)
		r = progress(run, &asked, &fetched);
	while (r == 0 && s < end_s) {
		r = pause_s(1);
		if (r == 0)
			r = progress(run, &asked_now, &fetched_now);
		if (r != 0 ||
			(fetched_now - fetched) <
				WARM_FETCHES * (asked_now - asked))
			break;
		asked = asked_now;
		fetched = fetched_now;
		s++;
	}
	return r;
}

static void
stamp(struct result *out)
{
	time_t now = (time_t)clock_wall_s();
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out->when, sizeof(out->when), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Whether the busiest node's share of a core is used up, or nearly. */
static bool
is_time_up(const struct run *run, const struct result *r)
{
	double most = 0;

	/* The client's and the balancer's, which come first, have no limit. */
	for (size_t i = 2; i < r->nhosts; i++)
		most = fmax(most, r->hosts[i].cpu);
	return run->cell->scarce == SCARCE_TIME &&
		most > 0.85 * run->o->share_millicores / 1000;
}

static int
measure(struct run *run, struct result *out)
{
	struct gauge_sources s = {
		.nodes = run->cell->nodes,
		.clients = &run->clients,
		.late_ns = run->late_ns,
		.origin_log = run->origin_log,
	};
	own_free struct gauge *a = NEW(struct gauge);
	own_free struct gauge *b = NEW(struct gauge);
	double requests, fetches;
	int r = gauge_read(&s, true, a);

	if (r == 0)
		r = pause_s(run->o->measure_s);
	if (r == 0)
		r = progress(run, &requests, &fetches);
	if (r == 0)
		r = gauge_read(&s, false, b);
	if (r < 0)
		return r;
	out->f.link_mbit = (double)run->lab.link_bits / 1e6;
	out->f.connections = run->clients.connections;
	gauge_figures(a, b, (double)run->lab.client_link_bits / 1e6, out);
	out->limit = limit_of(&out->f, is_time_up(run, out));
	stamp(out);
	return 0;
}

static int
run_in_lab(struct run *run, struct result *out)
{
	int r = widen_origin();

	if (r == 0)
		r = start_sleeper(run);
	if (r == 0)
		r = start_clients(run, run->lab.link_bits);
	if (r == 0)
		r = warm_up(run);
	return r < 0 ? r : measure(run, out);
}

int
run_cell(const struct run_options *o, const struct cell *c, uint64_t link_bits,
	struct result *out)
{
	struct result result = {.cell = *c};
	struct run run = {.o = o, .cell = c};
	int r = prepare_origin(&run);

	if (r == 0) {
		choose_lab(&run, link_bits);
		r = lab_up(&run.lab);
	}
	if (r == 0) {
		r = run_in_lab(&run, &result);
		run_fini(&run);
		int down = lab_down();
		r = r < 0 ? r : down;
	} else {
		run_fini(&run);
	}
	if (r == 0)
		*out = result;
	return r;
}
