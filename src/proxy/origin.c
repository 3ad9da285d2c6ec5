#include "proxy/origin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* As the mask of those that were tried, and the limit of configurations. */
static_assert(NODE_ORIGINS_MAX == 64, "a bit of uint64_t for each origin");

enum { FALL = 3, BACKOFF_MIN_S = 1, BACKOFF_MAX_S = 30 };

static uint64_t
load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void
store(_Atomic uint64_t *v, uint64_t n)
{
	atomic_store_explicit(v, n, memory_order_relaxed);
}

void
origins_init(struct origins *o, const struct node_site *site)
{
	o->n = site->norigins;
	o->v = xcalloc(o->n, sizeof(*o->v));
	for (size_t i = 0; i < o->n; i++) {
		o->v[i].config = &site->origins[i];
		o->v[i].site = site;
		pthread_mutex_init(&o->v[i].lock, NULL);
	}
}

void
origins_fini(struct origins *o)
{
	for (size_t i = 0; i < o->n; i++)
		pthread_mutex_destroy(&o->v[i].lock);
	free(o->v);
	*o = (struct origins){0};
}

/* --- how one fares ------------------------------------------------------- */

static void
log_change(const struct origin *o, const char *event, const char *why)
{
	log_warn("%s origin=%s:%u site=%s why=\"%s\"", event, o->config->host,
		o->config->port, o->site->hosts[0], why);
}

static uint64_t
longer(uint64_t backoff_ns)
{
	uint64_t most = BACKOFF_MAX_S * NS_PER_S;

	return 2 * backoff_ns < most ? 2 * backoff_ns : most;
}

static void
go_out(struct origin *o, uint64_t now_ns, uint64_t backoff_ns)
{
	o->backoff_ns = backoff_ns;
	o->tried = false;
	store(&o->out_until_ns, now_ns + backoff_ns);
}

static void
come_back(struct origin *o)
{
	atomic_store_explicit(&o->failures, 0, memory_order_relaxed);
	store(&o->out_until_ns, 0);
	o->tried = false;
}

void
origin_failed(struct origin *o, uint64_t now_ns, const char *why)
{
	pthread_mutex_lock(&o->lock);
	atomic_fetch_add_explicit(&o->failures, 1, memory_order_relaxed);
	store(&o->failed_ns, now_ns);
	if (load(&o->out_until_ns) == 0) {
		if (o->failures >= FALL) {
			go_out(o, now_ns, BACKOFF_MIN_S * NS_PER_S);
			log_change(o, "origin_out", why);
		}
	} else if (o->tried) {
		/* Not for those who asked before it went out. */
		go_out(o, now_ns, longer(o->backoff_ns));
	}
	pthread_mutex_unlock(&o->lock);
}

void
origin_answered(struct origin *o)
{
	if (atomic_load_explicit(&o->failures, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&o->lock);
	if (load(&o->out_until_ns))
		log_change(o, "origin_back", "it answers");
	come_back(o);
	pthread_mutex_unlock(&o->lock);
}

void
origin_checked(struct origin *o, uint64_t now_ns, const char *why)
{
	const struct node_site *s = o->site;
	enum health_change change = health_count_add(
		&o->checks, !why, s->check_fall, s->check_rise);

	pthread_mutex_lock(&o->lock);
	if (why)
		store(&o->failed_ns, now_ns);
	if (change == HEALTH_DOWN) {
		o->down = true;
		log_change(o, "origin_down", why);
	} else if (change == HEALTH_UP && o->down) {
		o->down = false;
		come_back(o);
		log_change(o, "origin_up", "its checks pass");
	}
	pthread_mutex_unlock(&o->lock);
}

enum origin_state
origin_state(const struct origin *o)
{
	if (atomic_load_explicit(&o->down, memory_order_relaxed))
		return ORIGIN_DOWN;
	return load(&o->out_until_ns) ? ORIGIN_OUT : ORIGIN_UP;
}

const char *
origin_state_name(enum origin_state s)
{
	static const char *const names[] = {"up", "out", "down"};

	return names[s];
}

/* --- the choice ---------------------------------------------------------- */

static bool
is_well(const struct origin *o, uint64_t now_ns)
{
	return !atomic_load_explicit(&o->down, memory_order_relaxed) &&
		load(&o->out_until_ns) <= now_ns;
}

/* Whoever chooses an origin whose time out is over tries it for all. */
static bool
claim(struct origin *o, uint64_t now_ns)
{
	bool mine;

	if (load(&o->out_until_ns) == 0)
		return true;
	pthread_mutex_lock(&o->lock);
	mine = load(&o->out_until_ns) <= now_ns;
	if (mine && load(&o->out_until_ns)) {
		go_out(o, now_ns, o->backoff_ns);
		o->tried = true;
	}
	pthread_mutex_unlock(&o->lock);
	return mine;
}

/* Everybody gains his weight, and who has most pays for all. */
static struct origin *
take_turn(struct origins *o, int *turns, uint64_t skip, uint64_t now_ns)
{
	size_t best = o->n;
	int total = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (skip & UINT64_C(1) << i || !is_well(&o->v[i], now_ns))
			continue;
		turns[i] += (int)o->v[i].config->weight;
		total += (int)o->v[i].config->weight;
		if (best == o->n || turns[i] > turns[best])
			best = i;
	}
	if (best == o->n)
		return NULL;
	turns[best] -= total;
	return &o->v[best];
}

static struct origin *
longest_ago(struct origins *o)
{
	struct origin *best = &o->v[0];

	for (size_t i = 1; i < o->n; i++)
		if (load(&o->v[i].failed_ns) < load(&best->failed_ns))
			best = &o->v[i];
	return best;
}

struct origin *
origins_choose(struct origins *o, int *turns, uint64_t tried, uint64_t now_ns)
{
	uint64_t skip = tried;
	struct origin *one;

	while ((one = take_turn(o, turns, skip, now_ns))) {
		if (claim(one, now_ns))
			return one;
		skip |= UINT64_C(1) << (one - o->v);
	}
	return tried ? NULL : longest_ago(o);
}
