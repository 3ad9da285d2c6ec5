#include "proxy/lookup.h"

#include "http/precondition.h"
#include "http/vary.h"
#include "proxy/exchange.h"
#include "proxy/fill.h"
#include "proxy/heat.h"
#include "proxy/parts.h"

enum {
	JOIN_MS = 5000, /* the longest wait for another's fetch */
	/* ... and where it may crawl over a full link, on which whoever gives
	 * up would ask for the same again */
	JOIN_CRAWLS_MS = 20000,
	MISLED_MAX = 2, /* how often one joins what turns out to be unfit */
};

static int64_t
now_s(const struct exchange *x)
{
	return loop_wall_s(x->worker->loop);
}

bool
lookup_is_reserve(const struct exchange *x, const struct object *o)
{
	return cachectl_usable_on_error(
		&x->asked, &o->fresh, object_age_s(o, now_s(x)));
}

bool
lookup_would_wait(const struct exchange *x, const struct flight *f)
{
	return x->fill == FILL_ANSWERS &&
		atomic_load(&f->asked) == x->asked_by + 1 &&
		x->worker->node->config->self < x->asked_by;
}

void
lookup_tally(struct exchange *x, _Atomic uint64_t *kind, uint64_t n)
{
	struct counters *c = &x->worker->counters;

	if (x->fill == FILL_ANSWERS) {
		count(&c->lent, n);
		if (kind == &c->misses || kind == &c->passes)
			count(&c->lent_fetches, n);
		return;
	}
	count(&c->served, n);
	count(kind, n);
}

/* --- the ways to an answer ------------------------------------------------ */

void
lookup_pass(struct exchange *x)
{
	lookup_tally(x, &x->worker->counters.passes, 1);
	(void)exchange_read_flight(
		x, flight_new(&x->worker->node->flight), FROM_PASS);
	fetch_start(x,
		&(struct fetch_order){.flight = x->flight, .mode = FETCH_PASS});
}

/* o's reference is taken over. */
static void
hit(struct exchange *x, struct object *o)
{
	lookup_tally(x, &x->worker->counters.hits, 1);
	exchange_read_object(x, o, FROM_HIT);
}

static uint64_t
patience_ns(const struct exchange *x)
{
	bool crawls = heat_links_are_scarce(x->worker->node);

	return (crawls ? JOIN_CRAWLS_MS : JOIN_MS) * NS_PER_MS;
}

void
lookup_join(struct exchange *x, struct flight *f)
{
	if (exchange_read_flight(x, f, FROM_JOIN) < 0) {
		lookup_pass(x);
		return;
	}
	lookup_tally(x, &x->worker->counters.coalesced, 1);
	loop_arm(x->worker->loop, &x->timer, patience_ns(x));
}

/* stale: what is stored, to be validated; NULL: nothing. */
static void
miss(struct exchange *x, struct flight *f, struct object *stale)
{
	(void)exchange_read_flight(x, f, FROM_MISS);
	lookup_tally(x, &x->worker->counters.misses, 1);
	fill_or_fetch(x,
		&(struct fetch_order){
			.flight = f, .mode = FETCH_KEEP, .stale = stale});
}

/* --- which of them -------------------------------------------------------- */

static void
refuse_uncached(struct exchange *x)
{
	lookup_tally(x, &x->worker->counters.unsatisfied, 1);
	exchange_fail(x, 504, "not in the cache");
}

/* Others are not likely to share the answer, so nobody waits for it; if they
 * can, it is stored. A part is not asked for as a whole for that. */
static void
go_alone(struct exchange *x, const struct wanted *w, struct object *stale)
{
	/* No master of it is kept, so whoever compresses it is the origin. */
	x->head.uncoded = false;
	if (x->head.method == METHOD_HEAD || precondition_in(&x->head) ||
		head_find(&x->head, FIELD_RANGE))
		lookup_pass(x);
	else
		miss(x, store_begin_alone(x->worker->node->store, w), stale);
}

/* A peer, who would otherwise fetch it, has what is on its way as well. */
static void
lend(struct exchange *x, const struct wanted *w)
{
	struct flight *f = NULL;

	if (x->fill == FILL_ANSWERS)
		f = store_flight(x->worker->node->store, w);
	if (f && !lookup_would_wait(x, f)) {
		lookup_join(x, f);
		return;
	}
	flight_unref(f);
	refuse_uncached(x);
}

/* With those who want the same. seen: what is stored, stale or a mark. */
static void
board(struct exchange *x, const struct wanted *w, struct object *seen,
	struct object *stale)
{
	struct flight *f;

	/* A HEAD that won't have what is stored does not cost a GET. */
	if (stale && x->head.method == METHOD_HEAD &&
		!lookup_is_reserve(x, stale)) {
		lookup_pass(x);
		return;
	}
	switch (store_board(x->worker->node->store, w, seen, &f)) {
	case STORE_STORED: lookup(x); break;
	case STORE_JOIN:
		if (lookup_would_wait(x, f)) {
			flight_unref(f);
			go_alone(x, w, stale);
		} else {
			lookup_join(x, f);
		}
		break;
	case STORE_BEGIN: miss(x, f, stale); break;
	}
}

static enum exchange_why
why_not(const struct exchange *x, const struct object *o, bool others)
{
	if (!o || object_is_mark(o))
		return others ? WHY_VARY_MISS : WHY_URI_MISS;
	return !o->fresh.no_cache &&
			object_age_s(o, now_s(x)) < o->fresh.lifetime_s
		? WHY_REQUEST
		: WHY_STALE;
}

/* May the answer be what is stored? */
static enum cachectl_use
use_of(const struct exchange *x, const struct object *o)
{
	int64_t age_s = object_age_s(o, now_s(x));

	/* Of a mark, whether it still holds. */
	if (object_is_mark(o))
		return age_s < o->fresh.lifetime_s ? USE_FRESH : USE_REVALIDATE;
	return cachectl_use(&x->asked, &o->fresh, age_s);
}

/* What is stored (NULL: nothing) won't do. marked: it is a mark that holds. */
static void
look_further(struct exchange *x, const struct wanted *w, struct object *o,
	bool marked)
{
	struct object *stale = o && !object_is_mark(o) ? o : NULL;

	if (x->asked.only_if_cached)
		lend(x, w);
	else if (marked || (!o && w->authorized) || x->misled == MISLED_MAX)
		go_alone(x, w, stale);
	else
		board(x, w, o, stale);
}

/* The client has what is stored, meanwhile. */
static void
revalidate_meanwhile(
	struct exchange *x, const struct wanted *w, struct object *stale)
{
	struct flight *f;

	switch (store_board(x->worker->node->store, w, stale, &f)) {
	case STORE_STORED: return;
	case STORE_JOIN: break; /* somebody does already */
	case STORE_BEGIN:
		fill_or_fetch(x,
			&(struct fetch_order){.flight = f,
				.mode = FETCH_KEEP,
				.stale = stale});
		break;
	}
	flight_unref(f);
}

/* What is stored won't do as it is, or there is nothing. o's reference is taken
 * over. */
static void
no_hit(struct exchange *x, const struct wanted *w, struct object *o,
	enum cachectl_use use, bool others)
{
	bool over = o && object_is_mark(o) && use == USE_REVALIDATE;

	x->why = why_not(x, o, others);
	if ((o && !over) || w->authorized || !parts_serve(x))
		look_further(x, w, o, use != USE_REVALIDATE);
	object_unref(o);
}

void
lookup(struct exchange *x)
{
	struct wanted w = {x->route.key, &x->head,
		head_find(&x->head, FIELD_AUTHORIZATION), x->route.hash,
		now_s(x)};
	bool others;
	struct object *o = store_find(x->worker->node->store, &w, &others);
	enum cachectl_use use = o ? use_of(x, o) : USE_REVALIDATE;

	if (!o || object_is_mark(o) || use == USE_REVALIDATE) {
		no_hit(x, &w, o, use, others);
	} else if (use == USE_STALE_REVALIDATING) {
		hit(x, object_ref(o));
		revalidate_meanwhile(x, &w, o);
		object_unref(o);
	} else {
		hit(x, o);
	}
}

/* --- when it was not to be ------------------------------------------------ */

void
lookup_uncount(struct exchange *x)
{
	struct counters *c = &x->worker->counters;

	lookup_tally(x,
		x->from == FROM_HIT	       ? &c->hits
			: x->from == FROM_JOIN ? &c->coalesced
					       : &c->misses,
		(uint64_t)-1);
}

void
lookup_repass(struct exchange *x)
{
	lookup_uncount(x);
	if (x->asked.only_if_cached)
		refuse_uncached(x);
	else
		lookup_pass(x);
}

void
lookup_again(struct exchange *x)
{
	lookup_uncount(x);
	x->misled++;
	lookup(x);
}
