#include "proxy/handoff.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "handoff/repair.h"
#include "proxy/advice.h"
#include "proxy/peer.h"

#include <xxhash.h>

enum {
	STEP_MS = 250,
	PATIENCE_MS = 150, /* and longer where packets wait long */
	PATIENCE_WAITS = 4,
	/* What a full link lost comes after 200 ms and more, perhaps the third
	 * time; and who gives up then has the whole answer go the same way. */
	PATIENCE_LINK_MS = 3000,
	SLACK_S = 60, /* beyond the time that a client may be idle */
};

/* Negative errno, and why. */
static int
open_steer(
	const struct node_config *config, struct steer **out, const char **why)
{
	struct steer_config c = {
		.vip = config->vip,
		.vip6 = config->vip6,
		.vip_port = config->vip_port,
		.self = config->peers[config->self].addr,
		.idle_ns = config->idle_timeout_ns + SLACK_S * NS_PER_S,
		.xdp = config->steers_at_xdp,
	};
	int err = repair_permitted();

	*why = "TCP_REPAIR is not permitted";
	return err ? err : steer_open(&c, out, why);
}

struct handoff *
handoff_open(const struct node_config *config)
{
	struct steer *steer;
	struct handoff *h;
	const char *why;
	int err;

	if (config->handoff == NODE_HANDOFF_OFF || !config->secret.p ||
		config->npeers < 2)
		return NULL;
	err = open_steer(config, &steer, &why);
	if (err) {
		log_warn("handoff_off why=\"%s\" error=\"%s\"", why,
			strerror(-err));
		return NULL;
	}
	if (config->steers_at_xdp && steer_xdp(steer))
		log_warn("handoff_at_tc why=\"XDP is not to be had\" "
			 "error=\"%s\"",
			strerror(-steer_xdp(steer)));
	h = NEW(struct handoff);
	h->steer = steer;
	h->tenures = tenures_new();
	h->hearers = hearers_new(config);
	h->park.fd = -1;
	h->threshold_bytes = SCARCITY_CPU_BYTES;
	h->patience_ns = PATIENCE_MS * NS_PER_MS;
	return h;
}

static void
on_park(struct source *s, uint32_t events)
{
	(void)events;
	steer_on_readable(container_of(s, struct handoff, park)->steer);
}

/* --- what is scarce --------------------------------------------------------
 */

/* The time that all our threads have run, and waited to. How many there are. */
static unsigned
read_times(uint64_t *ran_ns, uint64_t *waited_ns)
{
	DIR *d = opendir("/proc/self/task");
	unsigned threads = 0;
	uint64_t ran, waited;
	struct dirent *e;

	*ran_ns = *waited_ns = 0;
	while (d && (e = readdir(d))) {
		own_free char *path =
			xasprintf("/proc/self/task/%s/schedstat", e->d_name);
		own_file FILE *f = fopen(path, "re");

		if (!f || fscanf(f, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
			continue;
		*ran_ns += ran;
		*waited_ns += waited;
		threads++;
	}
	if (d)
		closedir(d);
	return threads;
}

/* The share of the machine's time that its processors had work, since the last
 * call; 0 where it can't be told. */
static double
machine_used(struct handoff *h)
{
	own_file FILE *f = fopen("/proc/stat", "re");
	uint64_t t[8] = {0}, all = 0, idle; /* proc(5): user, nice, ... steal */
	double used = 0;

	for (size_t i = 0; f && i < sizeof(t) / sizeof(t[0]); i++) {
		if (fscanf(f, i ? "%" SCNu64 : "cpu %" SCNu64, &t[i]) != 1)
			return 0;
		all += t[i];
	}
	idle = t[3] + t[4];
	if (all > h->machine_all)
		used = 1 -
			(double)(int64_t)(idle - h->machine_idle) /
				(double)(all - h->machine_all);
	h->machine_all = all;
	h->machine_idle = idle;
	return used;
}

static void
look(struct handoff *h)
{
	uint64_t now_ns = clock_mono_ns(), ran, waited;
	unsigned threads = read_times(&ran, &waited);
	double wall = (double)(now_ns - h->looked_ns) * threads;
	/* Less than before, if a thread has ended. */
	double wanted =
		(double)(int64_t)(ran + waited - h->ran_ns - h->waited_ns);
	double used = machine_used(h);
	struct scarcity *s = &h->first->node->scarcity;

	if (h->looked_ns && wall > 0)
		scarcity_look_at_processors(s, wanted / wall, used);
	h->looked_ns = now_ns;
	h->ran_ns = ran;
	h->waited_ns = waited;
	h->threshold_bytes = scarcity_threshold(s);
	h->patience_ns =
		(s->link ? PATIENCE_LINK_MS : PATIENCE_MS) * NS_PER_MS +
		(uint64_t)(PATIENCE_WAITS * 1000 * s->wait.mean_us);
}

bool
handoff_is_ours(const struct node_config *config, const struct snapshot *s)
{
	struct in6_addr vip = addr_mapped(config->vip);

	if (s->local_port != config->vip_port)
		return false;
	return IN6_ARE_ADDR_EQUAL(&s->local, &vip) ||
		(!IN6_IS_ADDR_UNSPECIFIED(&config->vip6) &&
			IN6_ARE_ADDR_EQUAL(&s->local, &config->vip6));
}

uint64_t
handoff_threshold(const struct worker *w)
{
	return atomic_load_explicit(
		&w->node->handoff->threshold_bytes, memory_order_relaxed);
}

uint64_t
handoff_patience_ns(const struct worker *w)
{
	return atomic_load_explicit(
		&w->node->handoff->patience_ns, memory_order_relaxed);
}

static uint64_t
hash_of(const struct exchange *x)
{
	return XXH3_64bits(x->route.key.p, x->route.key.n);
}

void
handoff_learn(struct exchange *x, uint64_t bytes)
{
	if (x->worker->advice)
		advice_learn(x->worker->advice, hash_of(x), bytes);
}

bool
handoff_is_due(const struct exchange *x, unsigned streak)
{
	const struct worker *w = x->worker;

	return w->node->config->handoff == NODE_HANDOFF_ON ||
		streak >= ADVICE_STREAK ||
		advice_is_large(w->advice, hash_of(x), handoff_threshold(w));
}

/* --- house-keeping ---------------------------------------------------------
 */

static void
on_timer(struct timer *t)
{
	struct handoff *h = container_of(t, struct handoff, timer);

	steer_sweep(h->steer, clock_mono_ns());
	look(h);
	loop_arm(h->first->loop, t, STEP_MS * NS_PER_MS);
}

int
handoff_watch(struct handoff *h, struct worker *first)
{
	int err;

	h->first = first;
	h->park.on_io = on_park;
	h->timer.on_timer = on_timer;
	err = loop_watch_foreign(
		first->loop, &h->park, steer_fd(h->steer), EPOLLIN);
	if (!err)
		loop_arm(first->loop, &h->timer, 0);
	return err;
}

void
handoff_unwatch(struct handoff *h)
{
	if (!h || !h->first)
		return;
	loop_disarm(h->first->loop, &h->timer);
	(void)loop_watch_foreign(
		h->first->loop, &h->park, steer_fd(h->steer), 0);
	h->first = NULL;
}

void
handoff_close(struct handoff *h)
{
	if (!h)
		return;
	steer_close(h->steer);
	tenures_free(h->tenures);
	hearers_free(h->hearers);
	free(h);
}

void
handoff_count(struct worker *w, enum handoff_reason r)
{
	count(&w->stayed[r], 1);
}
