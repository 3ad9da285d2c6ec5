#include "proxy/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/precondition.h"
#include "http/vary.h"
#include "proxy/fetch.h"
#include "proxy/peer.h"

enum {
	JOIN_MS = 5000, /* the longest wait for another's fetch */
	MISLED_MAX = 2, /* how often one joins what turns out to be unfit */
};

static void
on_progress(struct reader *r)
{
	wake_post(&container_of(r, struct exchange, content.reader)->wake);
}

static void restart(struct exchange *x);
static void read_instead(struct exchange *x);
static void pass(struct exchange *x);
static void serve(struct exchange *x);

/* --- its life ------------------------------------------------------------- */

static void on_wake(struct wake *w);
static void on_timer(struct timer *t);

struct exchange *
exchange_get(struct worker *w)
{
	struct exchange *x = take_ptr(&w->spare);

	if (x)
		return x;
	x = NEW(struct exchange);
	x->worker = w;
	x->content.reader.on_progress = on_progress;
	x->timer.on_timer = on_timer;
	wake_init(&x->wake, w->loop, on_wake);
	return x;
}

static void
free_exchange(struct exchange *x)
{
	if (!x)
		return;
	arena_fini(&x->arena);
	free(x);
}

void
exchange_drop_spare(struct worker *w)
{
	free_exchange(take_ptr(&w->spare));
}

static void
leave_answer(struct exchange *x)
{
	content_leave(&x->content);
	loop_disarm(x->worker->loop, &x->timer);
	flight_unref(take_ptr(&x->flight));
	object_unref(take_ptr(&x->object));
}

/* Clears what one request leaves behind; the head is parsed anew anyway. */
void
exchange_put(struct exchange *x)
{
	struct worker *w;

	if (!x)
		return;
	w = x->worker;
	leave_answer(x);
	wake_cancel(&x->wake);
	flight_unref(take_ptr(&x->upload));
	if (w->spare) {
		free_exchange(x);
		return;
	}
	arena_reset(&x->arena);
	x->kept = x->from_peer = false;
	x->passed_over = 0;
	x->instead_of = x->misled = 0;
	x->client.s_addr = 0;
	x->error = (struct route_error){0};
	w->spare = x;
}

static void
rebase(struct str *s, const struct exchange *x, const char *copy)
{
	if (s->p >= x->raw && s->p < x->raw + x->head.bytes)
		s->p = copy + (s->p - x->raw);
}

void
exchange_keep(struct exchange *x)
{
	struct head *h = &x->head;
	const char *copy;

	if (x->kept)
		return;
	copy = arena_copy(&x->arena, str_of(x->raw, h->bytes)).p;
	rebase(&h->method_str, x, copy);
	rebase(&h->target, x, copy);
	for (unsigned i = 0; i < h->nfields; i++) {
		rebase(&h->fields[i].name, x, copy);
		rebase(&h->fields[i].value, x, copy);
	}
	rebase(&x->route.origin_host, x, copy);
	x->raw = copy;
	x->kept = true;
}

/* --- what has become of it ------------------------------------------------ */

/* The owner was lost before he answered. */
static bool
is_lost(const struct exchange *x)
{
	return x->from == FROM_PEER &&
		flight_phase(x->flight) == FLIGHT_FAILED &&
		x->flight->peer_lost;
}

static int64_t
now_s(const struct exchange *x)
{
	return loop_wall_s(x->worker->loop);
}

/* Will what is stored do, should the origin fail? */
static bool
is_reserve(const struct exchange *x, const struct object *o)
{
	return cachectl_usable_on_error(
		&x->asked, &o->fresh, object_age_s(o, now_s(x)));
}

/* What is stored is the answer: confirmed, or as good as there is. Those who
 * joined look whether it is so for them, too. */
static bool
is_instead(const struct exchange *x)
{
	const struct flight *f = x->flight;
	enum flight_phase phase = flight_phase(f);

	if (x->from != FROM_JOIN || phase == FLIGHT_WAITING)
		return phase == FLIGHT_INSTEAD;
	if (!f->instead || !vary_matches(object_selector(f->instead), &x->head))
		return false;
	return f->instead_of == 304 ? !f->private_ : is_reserve(x, f->instead);
}

/* It was for whoever asked first; not for us. */
static bool
is_anothers(const struct exchange *x)
{
	return x->from == FROM_JOIN &&
		flight_phase(x->flight) != FLIGHT_WAITING &&
		x->flight->private_;
}

/* It is another variant than we asked for, or what we would not have. */
static bool
is_unfit(const struct exchange *x)
{
	const struct flight *f = x->flight;

	if (x->from != FROM_JOIN)
		return false;
	switch (flight_phase(f)) {
	case FLIGHT_READY: return !vary_matches(f->selector, &x->head);
	case FLIGHT_INSTEAD: return !is_instead(x);
	case FLIGHT_FAILED:
	case FLIGHT_WAITING: break;
	}
	return false;
}

enum exchange_phase
exchange_phase(const struct exchange *x)
{
	if (x->object)
		return EXCHANGE_READY;
	if (!x->flight)
		return x->error.status ? EXCHANGE_FAILED : EXCHANGE_WAITING;
	if (is_lost(x) || is_instead(x) || is_anothers(x) || is_unfit(x))
		return EXCHANGE_WAITING; /* until on_wake() */
	switch (flight_phase(x->flight)) {
	case FLIGHT_READY: return EXCHANGE_READY;
	case FLIGHT_FAILED: return EXCHANGE_FAILED;
	case FLIGHT_INSTEAD:
	case FLIGHT_WAITING: break;
	}
	return EXCHANGE_WAITING;
}

const struct response *
exchange_response(const struct exchange *x)
{
	return x->flight ? &x->flight->response : &x->response;
}

struct route_error
exchange_error(const struct exchange *x)
{
	if (!x->flight)
		return x->error;
	return (struct route_error){x->flight->error_status, x->flight->error};
}

static void
uncount_join(struct exchange *x)
{
	count(&x->worker->counters.coalesced, (uint64_t)-1);
	count(&x->worker->counters.served, (uint64_t)-1);
}

static void
on_wake(struct wake *w)
{
	struct exchange *x = container_of(w, struct exchange, wake);

	if (x->flight && is_lost(x)) {
		x->passed_over |= UINT64_C(1) << x->owner;
		count(&x->worker->counters.retries, 1);
		count(&x->worker->counters.relayed, (uint64_t)-1);
		restart(x);
	} else if (x->flight && is_instead(x)) {
		read_instead(x);
		x->on_ready(x);
	} else if (x->flight && is_anothers(x)) {
		uncount_join(x);
		pass(x);
	} else if (x->flight && is_unfit(x)) {
		uncount_join(x);
		x->misled++;
		serve(x);
	} else {
		x->on_ready(x);
	}
}

/* A wait has its bounds: whoever fetches may have a slower origin, or luck. */
static void
on_timer(struct timer *t)
{
	struct exchange *x = container_of(t, struct exchange, timer);

	if (exchange_phase(x) != EXCHANGE_WAITING || x->from != FROM_JOIN)
		return;
	uncount_join(x);
	pass(x);
}

/* --- where the answer comes from ------------------------------------------ */

/* f's reference is taken over. -ESTALE: too late to read it. */
static int
read_flight(struct exchange *x, struct flight *f, enum exchange_from from)
{
	leave_answer(x);
	x->flight = f;
	x->from = from;
	if (flight_phase(f) != FLIGHT_WAITING)
		wake_post(&x->wake);
	return content_of_flight(&x->content, f);
}

/* o's reference is taken over. */
static void
read_object(struct exchange *x, struct object *o, enum exchange_from from)
{
	leave_answer(x);
	x->object = o;
	x->from = from;
	object_response(o, &x->response);
	content_of_object(&x->content, o);
}

static struct flight *
private_flight(struct exchange *x)
{
	return flight_new(&x->worker->node->flight);
}

static void
fail(struct exchange *x, unsigned status, const char *why)
{
	leave_answer(x);
	x->from = FROM_US;
	x->error = (struct route_error){status, why};
	wake_post(&x->wake);
}

void
exchange_refuse(struct exchange *x, unsigned status, const char *why)
{
	fail(x, status, why);
	if (!x->from_peer)
		count(&x->worker->counters.refused, 1);
}

static void
read_instead(struct exchange *x)
{
	struct object *o = object_ref(x->flight->instead);

	x->instead_of = x->flight->instead_of;
	read_object(x, o, x->from);
}

static void
pass(struct exchange *x)
{
	count(&x->worker->counters.served, 1);
	count(&x->worker->counters.passes, 1);
	(void)read_flight(x, private_flight(x), FROM_PASS);
	fetch_start(x, x->flight, FETCH_PASS, NULL);
}

static void
hit(struct exchange *x, struct object *o)
{
	count(&x->worker->counters.hits, 1);
	count(&x->worker->counters.served, 1);
	read_object(x, object_ref(o), FROM_HIT);
}

static void
join(struct exchange *x, struct flight *f)
{
	struct counters *c = &x->worker->counters;

	if (read_flight(x, f, FROM_JOIN) < 0) {
		pass(x);
		return;
	}
	count(&c->coalesced, 1);
	count(&c->served, 1);
	loop_arm(x->worker->loop, &x->timer, JOIN_MS * NS_PER_MS);
}

/* stale: what is stored, to be validated; NULL: nothing. */
static void
miss(struct exchange *x, struct flight *f, struct object *stale)
{
	struct counters *c = &x->worker->counters;

	(void)read_flight(x, f, FROM_MISS);
	count(&c->misses, 1);
	count(&c->served, 1);
	fetch_start(x, f, FETCH_KEEP, stale);
}

static void
revalidate_meanwhile(
	struct exchange *x, const struct wanted *w, struct object *stale)
{
	struct flight *f;

	switch (store_board(x->worker->node->store, w, stale, &f)) {
	case STORE_STORED: return;
	case STORE_JOIN: break; /* somebody does already */
	case STORE_BEGIN: fetch_start(x, f, FETCH_KEEP, stale); break;
	}
	flight_unref(f);
}

/* With those who want the same. seen: what is stored, stale or a mark. */
static void
board(struct exchange *x, const struct wanted *w, struct object *seen,
	struct object *stale)
{
	struct flight *f;

	/* A HEAD that won't have what is stored does not cost a GET. */
	if (stale && x->head.method == METHOD_HEAD && !is_reserve(x, stale)) {
		pass(x);
		return;
	}
	switch (store_board(x->worker->node->store, w, seen, &f)) {
	case STORE_STORED: serve(x); break;
	case STORE_JOIN: join(x, f); break;
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

static void
refuse_uncached(struct exchange *x)
{
	count(&x->worker->counters.served, 1);
	count(&x->worker->counters.unsatisfied, 1);
	fail(x, 504, "not in the cache");
}

/* Others are not likely to share the answer, so nobody waits for it; if they
 * can, it is stored. A part is not asked for as a whole for that. */
static void
go_alone(struct exchange *x, const struct wanted *w, struct object *stale)
{
	if (x->head.method == METHOD_HEAD || precondition_in(&x->head) ||
		head_find(&x->head, FIELD_RANGE))
		pass(x);
	else
		miss(x, store_begin_alone(x->worker->node->store, w), stale);
}

/* May the answer be what is stored? */
static enum cachectl_use
judge(const struct exchange *x, const struct object *o)
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
		refuse_uncached(x);
	else if (marked || (!o && w->authorized) || x->misled == MISLED_MAX)
		go_alone(x, w, stale);
	else
		board(x, w, o, stale);
}

/* As the owner, or in the owner's place. */
static void
serve(struct exchange *x)
{
	struct wanted w = {x->route.key, &x->head,
		head_find(&x->head, FIELD_AUTHORIZATION)};
	bool others;
	struct object *o = store_find(x->worker->node->store, &w, &others);
	enum cachectl_use use = o ? judge(x, o) : USE_REVALIDATE;

	if (o && !object_is_mark(o) && use != USE_REVALIDATE) {
		hit(x, o);
	} else {
		x->why = why_not(x, o, others);
		look_further(x, &w, o, use != USE_REVALIDATE);
	}
	if (use == USE_STALE_REVALIDATING)
		revalidate_meanwhile(x, &w, o);
	object_unref(o);
}

/* The best node that is up: a peer, or NULL for ourselves. What a peer asks is
 * never passed on: two hops at most. */
static struct peer *
find_owner(struct exchange *x)
{
	struct node *n = x->worker->node;
	struct ranking r;

	if (x->from_peer)
		return NULL;
	n->config->policy->rank(&n->view, x->route.key, &n->turn, &r);
	for (size_t i = 0; i < r.n; i++) {
		struct peer *p = x->worker->peers[r.node[i]];

		if (!p)
			return NULL;
		if (peer_is_up(p) &&
			!(x->passed_over & UINT64_C(1) << r.node[i])) {
			x->owner = r.node[i];
			return p;
		}
	}
	return NULL;
}

static bool
may_be_cached(const struct exchange *x)
{
	const struct head *h = &x->head;

	return (h->method == METHOD_GET || h->method == METHOD_HEAD) &&
		!x->upload;
}

static void
restart(struct exchange *x)
{
	struct counters *c = &x->worker->counters;
	bool cacheable = may_be_cached(x);
	struct peer *owner = cacheable ? find_owner(x) : NULL;

	if (owner) {
		(void)read_flight(x, private_flight(x), FROM_PEER);
		peer_ask(owner, x);
		return;
	}
	if (!x->from_peer)
		count(&c->local, 1);
	if (cacheable)
		serve(x);
	else
		pass(x);
}

void
exchange_start(struct exchange *x, const char *raw)
{
	const struct node *n = x->worker->node;
	struct route_error error;

	x->raw = raw;
	cachectl_parse(&x->head, &x->asked);
	if (head_has_token(&x->head, FIELD_CDN_LOOP, str_z(n->cdn_id))) {
		exchange_refuse(x, 508, "this request has been here before");
		return;
	}
	if (route_request(n->config, &x->head, x->from_peer ? NULL : &x->client,
		    &x->arena, &x->route, &error) < 0) {
		exchange_refuse(x, error.status, error.why);
		return;
	}
	restart(x);
}
