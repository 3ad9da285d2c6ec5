#include "proxy/heat.h"

#include <math.h>
#include <stdlib.h>

#include "base/epoch.h"
#include "base/mem.h"
#include "proxy/copies.h"
#include "proxy/membership.h"
#include "proxy/peer.h"
#include "proxy/rumours.h"
#include "proxy/tally.h"

enum { CALM_MS = 2000 }; /* the longest that nothing is told */

/* Requests a second to the cluster below which no key is hot: nobody is busy
 * with so few. */
#define RATE_LEAST 20.0
/* The rest of the budget is for copies that are about to go, or that were made
 * when an owner was at its bound. */
#define BUDGET_USED 0.8

struct heat {
	struct copies copies;
	struct rumours rumours;
	_Atomic(struct hotset *) hot; /* owned */
	struct worker *worker;	      /* borrowed: who tells */
	struct timer timer;
	struct news told; /* the last that others heard */
	uint64_t told_ns;
	uint64_t number; /* of our news */
};

struct heat *
heat_new(void)
{
	struct heat *h = NEW(struct heat);

	rumours_init(&h->rumours);
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
	rumours_fini(&h->rumours);
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

/* What is ours to say; the rarest of other keys make room for it. */
static void
put_claim(const struct hot *hot, struct news *out, size_t *others)
{
	struct demand_key claim = {.key = hot->key, .r = hot->r};
	size_t i = 0;

	while (i < out->n && out->keys[i].key.hash != hot->key.hash)
		i++;
	if (i < out->n) {
		out->keys[i].r = hot->r;
		return;
	}
	if (out->n < NEWS_KEYS) {
		out->keys[out->n++] = claim;
		return;
	}
	while (*others > 0)
		if (!out->keys[--*others].r) {
			out->keys[*others] = claim;
			return;
		}
}

static void
put_claims(const struct hotset *s, struct news *out)
{
	size_t others = out->n;

	for (size_t i = 0; s && i < s->n; i++)
		if (s->v[i].ours)
			put_claim(&s->v[i], out, &others);
}

/* Do packets to our peers wait? Then it is links that there is too little of,
 * ours or theirs. */
static bool
is_link_scarce(const struct heat *h)
{
	struct scarcity *s = &h->worker->node->scarcity;

	scarcity_look_at_links(s, peers_wait(h->worker));
	return s->link;
}

static void
make_news(struct heat *h, struct node *n, struct news *out)
{
	for (unsigned i = 0; i < n->config->workers; i++)
		tally_collect(n->workers[i]->tally);
	tally_report(n, out);
	put_claims(atomic_load(&h->hot), out);
	out->number = ++h->number;
	out->objects = copies_leave(&h->copies, store_count(n->store));
	out->load = heat_own_load(n);
	out->link_is_scarce = is_link_scarce(h);
	out->wait_ms =
		(uint16_t)fmin(n->scarcity.wait.mean_us / 1000, UINT16_MAX);
}

/* --- what follows --------------------------------------------------------- */

/* The budget is of copies beyond the first: what nodes tell of are objects that
 * they own. */
static double
budget(const struct node *n, uint64_t objects)
{
	return (double)objects * (n->config->copies_pct / 100.0 - 1) *
		BUDGET_USED;
}

static void
heed_clients(const struct node *n, struct demand *d)
{
	struct demand_key asked[TALLY_ASKED_MOST];
	double total;
	size_t count = tally_asked(n, asked, &total);

	demand_heed(d, asked, count, total);
}

static uint64_t
who_is_there(const struct worker *w)
{
	uint64_t there = UINT64_C(1) << w->node->config->self;

	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (w->peers[i] && peer_is_trusted(w->peers[i]))
			there |= UINT64_C(1) << i;
	return there;
}

static struct hotset *
next(const struct heat *h, struct demand *d, struct demand_members *m,
	double extra)
{
	const struct hotset *before = atomic_load(&h->hot);
	struct spread_row *rows = xcalloc(DEMAND_ROWS, sizeof(*rows));
	struct hotset *now;
	struct spread s;

	demand_spread(d, m, before, rows, &s);
	now = hotset_next(before, &s, extra);
	free(rows);
	return now;
}

static void
publish(struct heat *h, struct hotset *now)
{
	struct hotset *before = atomic_load(&h->hot);

	atomic_store(&h->hot, now);
	if (before)
		epoch_retire(before, free);
}

static void
decide(struct heat *h, struct node *n, uint64_t now_ns)
{
	struct demand_members m = {
		.up = who_is_there(h->worker), .self = n->config->self};
	const struct places *p;
	struct hotset *now;
	struct demand d;
	uint64_t objects;

	demand_init(&d);
	epoch_enter();
	p = membership_places(n);
	m.places = p->v;
	m.nplaces = p->n;
	objects = rumours_add_up(&h->rumours, now_ns, &d, &m);
	demand_sum(&d);
	demand_temper(&d);
	if (d.all.rate >= RATE_LEAST)
		heed_clients(n, &d);
	else
		d.n = 0;
	now = next(h, &d, &m, budget(n, objects));
	epoch_leave();
	publish(h, now);
	demand_fini(&d);
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
claim_in(const struct news *n, uint64_t hash)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->keys[i].key.hash == hash)
			return n->keys[i].r;
	return 0;
}

static bool
claims_are_in(const struct news *a, const struct news *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->keys[i].r &&
			a->keys[i].r != claim_in(b, a->keys[i].key.hash))
			return false;
	return true;
}

/* Each node tells each other one, which takes some of the links; where these
 * are scarce, what has not changed can wait. */
static bool
is_worth_telling(const struct heat *h, const struct news *news, uint64_t now_ns)
{
	if (!news->link_is_scarce || now_ns >= h->told_ns + CALM_MS * NS_PER_MS)
		return true;
	for (size_t i = 0; i < news->n; i++)
		if (demand_changes(&news->keys[i].rate))
			return true;
	return !claims_are_in(news, &h->told) || !claims_are_in(&h->told, news);
}

static bool
is_alone(const struct node *n)
{
	bool alone;

	epoch_enter();
	alone = membership_places(n)->view.nlive < 2;
	epoch_leave();
	return alone;
}

static void
on_tick(struct timer *t)
{
	struct heat *h = container_of(t, struct heat, timer);
	struct node *n = h->worker->node;
	uint64_t now_ns = loop_now_ns(h->worker->loop);
	struct news news;

	loop_arm(h->worker->loop, t, TALLY_TICK_MS * NS_PER_MS);
	copies_look(&h->copies, h->worker);
	make_news(h, n, &news);
	heat_hear(n, n->config->self, &news);
	if (is_worth_telling(h, &news, now_ns)) {
		tell(h->worker, &news);
		h->told = news;
		h->told_ns = now_ns;
	}
	if (n->config->copies_pct > 100 && !is_alone(n))
		decide(h, n, now_ns);
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
	rumours_hear(&n->heat->rumours, peer, news);
}

bool
heat_load(const struct node *n, size_t peer, uint32_t *load)
{
	return rumours_load(&n->heat->rumours, peer, load);
}

bool
heat_links_are_scarce(const struct node *n)
{
	return rumours_links_are_scarce(&n->heat->rumours);
}

const struct hot *
heat_find(const struct node *n, uint64_t key)
{
	return hotset_find(atomic_load(&n->heat->hot), key);
}

unsigned
heat_width(const struct node *n, uint64_t key)
{
	const struct hot *hot = heat_find(n, key);

	return hot ? hot->r : 1;
}

double
heat_rate(const struct node *n, uint64_t key)
{
	return rumours_rate(&n->heat->rumours, n->config->self, key);
}

unsigned
heat_explain(const struct node *n, uint64_t key, double *share)
{
	const struct hot *hot = heat_find(n, key);

	*share = hot ? hot->share : 0;
	return hot ? hot->r : 1;
}

void
heat_note_copy(struct node *n, uint64_t stored, size_t place)
{
	copies_note(&n->heat->copies, stored, place);
}
