#include "proxy/heat.h"

#include <pthread.h>
#include <math.h>
#include <stdlib.h>

#include "base/epoch.h"
#include "base/mem.h"
#include "placement/hotset.h"
#include "proxy/copies.h"
#include "proxy/membership.h"
#include "proxy/peer.h"
#include "proxy/tally.h"

enum {
	STALE_MS = 5000, /* news older than that count no more; shorter, and
			    those would be left out who are so busy that it
			    takes its time */
	REPORTS = VIEW_MAX_NODES,
	KEYS_MAX = REPORTS * NEWS_KEYS,
};

/* Requests a second to the cluster below which no key is hot: nobody is busy
 * with so few. */
#define RATE_LEAST 20.0
/* The rest of the budget is for copies that are about to go. */
#define BUDGET_USED 0.95

struct rumour {
	struct news news;
	uint64_t heard_ns; /* 0: never */
};

struct heat {
	pthread_mutex_t lock; /* guards the reports: any worker may hear them */
	struct copies copies;
	struct rumour reports[REPORTS]; /* by member */
	_Atomic uint32_t loads[REPORTS];
	_Atomic unsigned shares_pct[REPORTS];
	_Atomic uint64_t heard_ns[REPORTS];
	_Atomic(struct hotset *) hot; /* owned */
	struct worker *worker;	      /* borrowed: who tells */
	struct timer timer;
	uint64_t number; /* of our news */
};

struct heat *
heat_new(void)
{
	struct heat *h = NEW(struct heat);

	pthread_mutex_init(&h->lock, NULL);
	copies_init(&h->copies);
	/* Grows, also past a restart. */
	h->number = (uint64_t)clock_wall_s() << 16;
	return h;
}

void
heat_free(struct heat *h)
{
	if (!h)
		return;
	free(atomic_load(&h->hot));
	pthread_mutex_destroy(&h->lock);
	copies_fini(&h->copies);
	free(h);
}

uint32_t
heat_own_load(const struct node *n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n->config->workers; i++)
		sum += atomic_load_explicit(
			&n->workers[i]->answers, memory_order_relaxed);
	return (uint32_t)sum;
}

static void
make_news(struct heat *h, struct node *n, struct news *out)
{
	size_t copies = copies_count(&h->copies);

	tally_collect(n, out);
	out->number = ++h->number;
	out->objects = store_count(n->store);
	out->objects -= copies < out->objects ? copies : 0;
	out->load = heat_own_load(n);
}

/* --- what follows --------------------------------------------------------- */

struct sums {
	struct news_key *keys; /* owned; summed, by key */
	size_t n;
	double rate;
	uint64_t objects;
};

static bool
is_fresh(const struct rumour *r, uint64_t now_ns)
{
	return r->heard_ns && now_ns - r->heard_ns <= STALE_MS * NS_PER_MS;
}

/* With the lock held. */
static void
tell_shares(struct heat *h, uint64_t now_ns, double rate)
{
	double nodes = 0;

	for (size_t i = 0; i < REPORTS; i++)
		nodes += is_fresh(&h->reports[i], now_ns);
	for (size_t i = 0; i < REPORTS; i++) {
		const struct rumour *r = &h->reports[i];
		double pct = 100;

		if (is_fresh(r, now_ns) && rate >= RATE_LEAST)
			pct = 100 * r->news.rate * nodes / rate;
		atomic_store(&h->shares_pct[i], (unsigned)pct);
	}
}

/* Keys of a node that has more to do than others are widened first. */
static double
urgency(const struct heat *h, size_t peer)
{
	double share = atomic_load(&h->shares_pct[peer]) / 100.0;

	share = share < 0.5 ? 0.5 : share > 2 ? 2 : share;
	return share * share;
}

/* Over all reports that are no older than they may be. */
static void
add_up(struct heat *h, uint64_t now_ns, struct sums *out)
{
	size_t count = 0;
	double rate = 0;

	out->keys = xcalloc(KEYS_MAX, sizeof(*out->keys));
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < REPORTS; i++) {
		const struct rumour *r = &h->reports[i];

		if (!is_fresh(r, now_ns))
			continue;
		rate += r->news.rate;
		/* A flash crowd that waits for one node leaves less for all:
		 * it is measured by that. */
		out->rate += fmin(r->news.rate, r->news.rate_fast);
		out->objects += r->news.objects;
		for (size_t j = 0; j < r->news.n; j++) {
			struct news_key k = r->news.keys[j];

			k.rate *= urgency(h, i);
			out->keys[count++] = k;
		}
	}
	out->n = tally_sum_up(out->keys, count);
	tell_shares(h, now_ns, rate);
	pthread_mutex_unlock(&h->lock);
}

/* The budget is of copies beyond the first: what nodes tell of are objects that
 * they own. */
static double
budget(const struct node *n, const struct sums *sums)
{
	return (double)sums->objects * (n->config->copies_pct / 100.0 - 1) *
		BUDGET_USED;
}

static int
widen_by_key(const void *a, const void *b)
{
	const struct widen_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Adds what our own clients ask for; each key is there once, and in order. */
static size_t
add_asked(const struct node *n, struct widen_key *keys, size_t count)
{
	size_t all = count + tally_asked(n, keys + count), out = 0;

	qsort(keys, all, sizeof(*keys), widen_by_key);
	for (size_t i = 0; i < all; i++) {
		if (out && keys[out - 1].key == keys[i].key)
			keys[out - 1].share =
				fmax(keys[out - 1].share, keys[i].share);
		else
			keys[out++] = keys[i];
	}
	return out;
}

static void
decide(struct heat *h, struct node *n, uint64_t now_ns, unsigned nodes)
{
	struct hotset *before = atomic_load(&h->hot), *now;
	struct sums sums = {0};
	struct widen_key *keys;
	size_t count = 0;

	add_up(h, now_ns, &sums);
	keys = xcalloc(sums.n + TALLY_ASKED_MOST, sizeof(*keys));
	for (size_t i = 0; i < sums.n && sums.rate >= RATE_LEAST; i++)
		keys[count++] = (struct widen_key){sums.keys[i].key,
			tally_at_least(sums.keys[i].rate * TALLY_WINDOW_S, 1) /
				TALLY_WINDOW_S / sums.rate,
			1};
	if (sums.rate >= RATE_LEAST)
		count = add_asked(n, keys, count);
	now = hotset_next(before, keys, count, nodes, budget(n, &sums));
	atomic_store(&h->hot, now);
	if (before)
		epoch_retire(before, free);
	free(keys);
	free(sums.keys);
}

/* --- telling and hearing -------------------------------------------------- */

static void
tell(struct worker *w, const struct news *news)
{
	struct buf payload = {0};

	news_put(news, &payload);
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (w->peers[i] && peer_is_up(w->peers[i]))
			peer_send(w->peers[i], WIRE_NEWS, buf_view(&payload));
	buf_fini(&payload);
}

static unsigned
count_nodes(const struct node *n)
{
	unsigned nodes;

	epoch_enter();
	nodes = (unsigned)membership_places(n)->view.nlive;
	epoch_leave();
	return nodes;
}

static void
on_tick(struct timer *t)
{
	struct heat *h = container_of(t, struct heat, timer);
	struct node *n = h->worker->node;
	uint64_t now_ns = loop_now_ns(h->worker->loop);
	unsigned nodes = count_nodes(n);
	struct news news;

	loop_arm(h->worker->loop, t, TALLY_TICK_MS * NS_PER_MS);
	copies_look(&h->copies, h->worker);
	make_news(h, n, &news);
	heat_hear(n, n->config->self, &news);
	tell(h->worker, &news);
	if (n->config->copies_pct > 100 && nodes > 1)
		decide(h, n, now_ns, nodes);
}

void
heat_start(struct worker *w)
{
	struct heat *h = w->node->heat;

	h->worker = w;
	h->timer.on_timer = on_tick;
	loop_arm(w->loop, &h->timer, TALLY_TICK_MS * NS_PER_MS);
}

void
heat_stop(struct worker *w)
{
	if (w->node->heat->worker == w)
		loop_disarm(w->loop, &w->node->heat->timer);
}

void
heat_hear(struct node *n, size_t peer, const struct news *news)
{
	struct heat *h = n->heat;
	struct rumour *r = &h->reports[peer];

	pthread_mutex_lock(&h->lock);
	if (!r->heard_ns || news->number > r->news.number) {
		r->news = *news;
		r->heard_ns = clock_mono_ns();
		atomic_store(&h->loads[peer], news->load);
		atomic_store(&h->heard_ns[peer], r->heard_ns);
	}
	pthread_mutex_unlock(&h->lock);
}

void
heat_forget(struct node *n, size_t peer)
{
	struct heat *h = n->heat;

	pthread_mutex_lock(&h->lock);
	h->reports[peer].heard_ns = 0;
	atomic_store(&h->heard_ns[peer], 0);
	pthread_mutex_unlock(&h->lock);
}

bool
heat_load(const struct node *n, size_t peer, uint32_t *load)
{
	uint64_t heard_ns = atomic_load(&n->heat->heard_ns[peer]);

	*load = atomic_load(&n->heat->loads[peer]);
	return heard_ns && clock_mono_ns() - heard_ns < STALE_MS * NS_PER_MS;
}

unsigned
heat_share_pct(const struct node *n, size_t peer)
{
	unsigned pct = atomic_load(&n->heat->shares_pct[peer]);

	return pct ? pct : 100;
}

unsigned
heat_width(const struct node *n, uint64_t key)
{
	const struct hot *hot = hotset_find(atomic_load(&n->heat->hot), key);

	return hot ? hot->r : 1;
}

double
heat_rate(const struct node *n, uint64_t key)
{
	struct heat *h = n->heat;
	const struct news *own = &h->reports[n->config->self].news;
	double rate = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < own->n; i++)
		if (own->keys[i].key == key)
			rate = own->keys[i].rate;
	pthread_mutex_unlock(&h->lock);
	return rate;
}

unsigned
heat_explain(const struct node *n, uint64_t key, double *share)
{
	const struct hot *hot = hotset_find(atomic_load(&n->heat->hot), key);

	*share = hot ? hot->share : 0;
	return hot ? hot->r : 1;
}

void
heat_note_copy(struct node *n, uint64_t key)
{
	copies_note(&n->heat->copies, key);
}
