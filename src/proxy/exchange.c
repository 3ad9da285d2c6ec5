#include "proxy/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/forwarded.h"
#include "http/precondition.h"
#include "http/upgrade.h"
#include "http/vary.h"
#include "proxy/bulk.h"
#include "proxy/fetch.h"
#include "proxy/fill.h"
#include "proxy/gather.h"
#include "proxy/heat.h"
#include "proxy/owner.h"
#include "proxy/peer.h"
#include "proxy/segment.h"
#include "proxy/tunnel.h"

enum {
	JOIN_MS = 5000, /* the longest wait for another's fetch */
	MISLED_MAX = 2, /* how often one joins what turns out to be unfit */
	SPARES = 256,
};

static void
on_progress(struct reader *r)
{
	wake_post(&container_of(r, struct exchange, content.reader)->wake);
}

static void
on_interim(struct asker *a, unsigned status, struct str head)
{
	struct exchange *x = container_of(a, struct exchange, asker);

	if (x->on_interim)
		x->on_interim(x, status, head);
}

static void
on_tunnel(struct asker *a, struct tunnel *t)
{
	container_of(a, struct exchange, asker)->tunnel = t;
}

static void restart(struct exchange *x);
static void read_instead(struct exchange *x);
static void gather(struct exchange *x);
static void pass(struct exchange *x);
static void serve(struct exchange *x);

/* --- its life ------------------------------------------------------------- */

static void on_wake(struct wake *w);
static void on_timer(struct timer *t);

struct exchange *
exchange_get(struct worker *w)
{
	struct list *spare = list_pop_front(&w->exchanges);
	struct exchange *x;

	if (spare) {
		w->nexchanges--;
		return container_of(spare, struct exchange, link);
	}
	x = NEW(struct exchange);
	x->worker = w;
	x->elsewhere = -1;
	x->content.reader.on_progress = on_progress;
	x->timer.on_timer = on_timer;
	x->asker.on_interim = on_interim;
	x->asker.on_tunnel = on_tunnel;
	wake_init(&x->wake, w->loop, on_wake);
	return x;
}

static void
free_exchange(struct exchange *x)
{
	arena_fini(&x->arena);
	free(x);
}

void
exchange_drop_spares(struct worker *w)
{
	struct list *it;

	while ((it = list_pop_front(&w->exchanges)))
		free_exchange(container_of(it, struct exchange, link));
	w->nexchanges = 0;
}

static void
leave_answer(struct exchange *x)
{
	asker_leave(&x->asker);
	if (x->asking)
		peer_cancel(x->worker->peers[x->owner], x);
	x->known = false;
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
	if (w->answering == x)
		w->answering = NULL;
	leave_answer(x);
	if (x->counted)
		count(&w->answers, (uint64_t)-1);
	tunnel_free(take_ptr(&x->tunnel));
	wake_cancel(&x->wake);
	flight_unref(take_ptr(&x->upload));
	if (w->nexchanges == SPARES) {
		free_exchange(x);
		return;
	}
	arena_reset(&x->arena);
	x->kept = x->from_peer = x->upgrade = false;
	x->counted = x->redirected = false;
	x->fill = FILL_NONE;
	x->elsewhere = -1;
	x->on_interim = NULL;
	x->passed_over = 0;
	x->instead_of = x->misled = 0;
	x->client = (struct in6_addr){0};
	x->error = (struct route_error){0};
	list_push_front(&w->exchanges, &x->link);
	w->nexchanges++;
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
	rebase(&x->route.host, x, copy);
	rebase(&x->route.target, x, copy);
	x->raw = copy;
	x->kept = true;
}

/* --- what has become of it ------------------------------------------------ */

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

/* It is a part, which others may have too: the answer is made from it. */
static bool
is_part(const struct exchange *x)
{
	return x->by_parts && flight_phase(x->flight) == FLIGHT_READY &&
		x->flight->response.status == 206;
}

enum exchange_phase
exchange_phase(const struct exchange *x)
{
	if (x->known)
		return EXCHANGE_READY;
	if (!x->flight)
		return x->error.status ? EXCHANGE_FAILED : EXCHANGE_WAITING;
	if (is_instead(x) || is_anothers(x) || is_unfit(x) || is_part(x))
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

/* It is served so. What is for a peer's cache is no client's request. */
static void
tally(struct exchange *x, _Atomic uint64_t *kind, uint64_t n)
{
	struct counters *c = &x->worker->counters;

	if (x->fill == FILL_ANSWERS) {
		count(&c->lent, n);
		return;
	}
	count(&c->served, n);
	count(kind, n);
}

/* It has not been served after all. */
static void
uncount(struct exchange *x)
{
	struct counters *c = &x->worker->counters;

	tally(x, x->from == FROM_JOIN ? &c->coalesced : &c->misses,
		(uint64_t)-1);
}

static void
repass(struct exchange *x)
{
	uncount(x);
	pass(x);
}

/* What was waited for has come, or turned out not to be the answer. */
static void
look(struct exchange *x)
{
	if (is_instead(x)) {
		read_instead(x);
	} else if (is_anothers(x)) {
		repass(x);
	} else if (is_unfit(x)) {
		uncount(x);
		x->misled++;
		serve(x);
	} else if (is_part(x)) {
		gather(x);
	}
}

static void
on_wake(struct wake *w)
{
	struct exchange *x = container_of(w, struct exchange, wake);

	if (x->flight)
		look(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		x->on_ready(x);
}

/* A wait has its bounds: whoever fetches may have a slower origin, or luck. */
static void
on_timer(struct timer *t)
{
	struct exchange *x = container_of(t, struct exchange, timer);

	if (exchange_phase(x) != EXCHANGE_WAITING || x->from != FROM_JOIN)
		return;
	repass(x);
}

/* --- where the answer comes from ------------------------------------------ */

/* f's reference is taken over. -ESTALE: too late to read it. */
static int
read_flight(struct exchange *x, struct flight *f, enum exchange_from from)
{
	leave_answer(x);
	x->flight = f;
	x->from = from;
	x->by_parts = false;
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
	x->known = true;
	object_response(o, &x->response);
	content_of_object(&x->content, o);
}

static struct flight *
private_flight(struct exchange *x)
{
	return flight_new(&x->worker->node->flight);
}

void
exchange_fail(struct exchange *x, unsigned status, const char *why)
{
	leave_answer(x);
	x->from = FROM_US;
	x->error = (struct route_error){status, why};
	wake_post(&x->wake);
}

void
exchange_refuse(struct exchange *x, unsigned status, const char *why)
{
	exchange_fail(x, status, why);
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
	tally(x, &x->worker->counters.passes, 1);
	(void)read_flight(x, private_flight(x), FROM_PASS);
	fetch_start(x,
		&(struct fetch_order){.flight = x->flight, .mode = FETCH_PASS});
}

static void
hit(struct exchange *x, struct object *o)
{
	tally(x, &x->worker->counters.hits, 1);
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
	tally(x, &c->coalesced, 1);
	loop_arm(x->worker->loop, &x->timer, JOIN_MS * NS_PER_MS);
}

/* stale: what is stored, to be validated; NULL: nothing. */
static void
miss(struct exchange *x, struct flight *f, struct object *stale)
{
	struct counters *c = &x->worker->counters;

	(void)read_flight(x, f, FROM_MISS);
	tally(x, &c->misses, 1);
	fill_or_fetch(x,
		&(struct fetch_order){
			.flight = f, .mode = FETCH_KEEP, .stale = stale});
}

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
	tally(x, &x->worker->counters.unsatisfied, 1);
	exchange_fail(x, 504, "not in the cache");
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

/* --- ... by parts ------------------------------------------------------------
 */

/* From the parts of m's response. */
static void
gather_from(struct exchange *x, struct object *m)
{
	struct counters *c = &x->worker->counters;
	bool stored = gather_is_stored(x, m);

	x->why = WHY_PARTIAL;
	tally(x, stored ? &c->hits : &c->misses, 1);
	(void)read_flight(x, gather_start(x, m), stored ? FROM_HIT : FROM_MISS);
}

/* The first part has come: there is a manifest now, if it is to be kept. */
static void
gather(struct exchange *x)
{
	enum exchange_from from = x->from;
	struct object *m;
	bool mark;

	m = x->flight->private_ ? NULL : gather_manifest(x, &mark);
	if (m)
		(void)read_flight(x, gather_start(x, m), from);
	else
		repass(x);
	object_unref(m);
}

/* Fetches the part in which the range begins, and sees. */
static void
board_part(struct exchange *x, uint64_t at)
{
	struct store *store = x->worker->node->store;
	struct buf key = {0};
	struct wanted w = {.request = &x->head};
	struct object *o;
	struct flight *f;
	bool others;

	segment_put_key(x->route.key, at, &key);
	w.key = buf_view(&key);
	o = store_find(store, &w, &others);
	switch (store_board(store, &w, o, &f)) {
	case STORE_STORED: serve(x); break;
	case STORE_JOIN:
		join(x, f);
		x->by_parts = x->from == FROM_JOIN;
		break;
	case STORE_BEGIN:
		(void)read_flight(x, f, FROM_MISS);
		x->by_parts = true;
		tally(x, &x->worker->counters.misses, 1);
		fetch_start(x,
			&(struct fetch_order){.flight = f,
				.mode = FETCH_PART,
				.part = segment_around(at)});
		break;
	}
	object_unref(o);
	buf_fini(&key);
}

/* Of what is not stored as a whole. False: it is not to be answered so. */
static bool
serve_parts(struct exchange *x)
{
	bool ranged = x->head.method == METHOD_GET &&
		head_find(&x->head, FIELD_RANGE);
	bool mark, wants, suits;
	struct object *m;
	uint64_t at;

	if (x->asked.only_if_cached)
		return false;
	wants = gather_wants(x, &at);
	m = gather_manifest(x, &mark);
	suits = m ? wants || !ranged : wants && !mark;
	if (suits && m)
		gather_from(x, m);
	else if (suits)
		board_part(x, at);
	object_unref(m);
	return suits;
}

/* --- ... as a whole ----------------------------------------------------------
 */

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
	enum cachectl_use use = o ? use_of(x, o) : USE_REVALIDATE;

	if (o && !object_is_mark(o) && use != USE_REVALIDATE) {
		hit(x, o);
	} else {
		bool over = o && object_is_mark(o) && use == USE_REVALIDATE;

		x->why = why_not(x, o, others);
		if ((o && !over) || w.authorized || !serve_parts(x))
			look_further(x, &w, o, use != USE_REVALIDATE);
	}
	if (use == USE_STALE_REVALIDATING)
		revalidate_meanwhile(x, &w, o);
	object_unref(o);
}

static bool
may_be_cached(const struct exchange *x)
{
	const struct head *h = &x->head;

	return (h->method == METHOD_GET || h->method == METHOD_HEAD) &&
		!x->upload && !x->upgrade;
}

/* Load, and heat, are of those who answer. */
static void
answer_here(struct exchange *x)
{
	if (x->counted)
		return;
	x->counted = true;
	count(&x->worker->answers, 1);
	if (x->fill == FILL_NONE)
		heat_count(x->worker, owner_hash(x->route.key));
}

static bool
is_elsewhere(struct exchange *x, bool cacheable)
{
	if (!x->from_peer || !cacheable || x->fill != FILL_NONE)
		return false;
	x->elsewhere = owner_elsewhere(x);
	if (x->elsewhere < 0)
		return false;
	exchange_fail(x, 503, "the key is another node's");
	return true;
}

static void
restart(struct exchange *x)
{
	struct counters *c = &x->worker->counters;
	bool cacheable = may_be_cached(x);
	struct peer *owner = cacheable ? owner_find(x) : NULL;

	if (owner) {
		leave_answer(x);
		x->from = FROM_PEER;
		peer_ask(owner, x);
		return;
	}
	if (!x->from_peer && x->fill == FILL_NONE)
		count(&c->local, 1);
	if (is_elsewhere(x, cacheable))
		return;
	answer_here(x);
	if (cacheable)
		serve(x);
	else
		pass(x);
}

static bool
expects_the_unknown(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_EXPECT);
	struct str rest, expectation;

	for (; f; f = head_next(h, f)) {
		rest = f->value;
		while (list_next(&rest, &expectation))
			if (!str_ieq(expectation, STR("100-continue")))
				return true;
	}
	return false;
}

/* Whatever it is about, it ends here: refused, or answered by us (RFC 9110,
 * 9.3.7 and 7.6.2). What a TRACE would show is not for everybody. */
static bool
ends_here(struct exchange *x)
{
	const struct node *n = x->worker->node;
	const struct head *h = &x->head;

	if (head_has_token(h, FIELD_CDN_LOOP, str_z(n->cdn_id))) {
		exchange_refuse(x, 508, "this request has been here before");
	} else if (h->method == METHOD_TRACE) {
		exchange_refuse(x, 405, "TRACE is not answered");
	} else if (expects_the_unknown(h)) {
		exchange_refuse(x, 417, "this expectation is unknown");
	} else if (h->method == METHOD_OPTIONS &&
		(str_eq(h->target, STR("*")) || forwarded_hops_left(h) == 0)) {
		count(&x->worker->counters.local, 1);
		x->from = FROM_US;
		x->error = (struct route_error){.status = 200};
	} else {
		return false;
	}
	return true;
}

void
exchange_start(struct exchange *x, const char *raw)
{
	const struct node *n = x->worker->node;
	struct route_error error;

	x->raw = raw;
	cachectl_parse(&x->head, &x->asked);
	if (ends_here(x))
		return;
	if (route_request(n->config, &x->head, x->from_peer ? NULL : &x->client,
		    &x->arena, &x->route, &error) < 0) {
		exchange_refuse(x, error.status, error.why);
		return;
	}
	x->upgrade = !x->upload && x->head.method == METHOD_GET &&
		upgrade_is_offered(&x->head);
	restart(x);
}

void
exchange_fill(struct exchange *x, struct peer *p, size_t index, bool cached)
{
	struct route_error error;

	x->fill = cached ? FILL_CACHED : FILL_ASKS;
	cachectl_parse(&x->head, &x->asked);
	if (route_request(x->worker->node->config, &x->head, NULL, &x->arena,
		    &x->route, &error) < 0) {
		exchange_fail(x, error.status, error.why);
		return;
	}
	x->from = FROM_PEER;
	x->owner = index;
	peer_ask(p, x);
}

/* --- what the peer says --------------------------------------------------- */

/* What is left of the answer is needed for longer. */
static void
keep_answer(struct exchange *x)
{
	struct str *fields = &x->response.fields;

	*fields = arena_copy(&x->arena, *fields);
	content_keep(&x->content, &x->arena);
}

void
exchange_answer(struct exchange *x, const struct response *r, struct str body)
{
	struct worker *w = x->worker;

	x->asking = false;
	x->known = true;
	x->response = *r;
	content_of_text(&x->content, body);
	w->answering = x;
	x->on_ready(x);
	/* It may have ended, and be another one's already. */
	if (w->answering == x)
		keep_answer(x);
	w->answering = NULL;
}

static void
on_bulk(void *user)
{
	struct exchange *x = user;

	x->on_ready(x);
}

bool
exchange_splice(struct exchange *x, const struct response *r, struct bulk *b)
{
	if (!bulk_begin(b, (uint64_t)r->length, on_bulk, x))
		return false;
	x->asking = false;
	x->known = true;
	x->response = *r;
	x->response.fields = arena_copy(&x->arena, r->fields);
	content_of_bulk(&x->content, b);
	count(&x->worker->counters.spliced, 1);
	x->on_ready(x);
	return true;
}

void
exchange_follow(struct exchange *x, struct flight *f)
{
	x->asking = false;
	(void)read_flight(x, f, FROM_PEER);
}

static void
uncount_asked(struct exchange *x)
{
	count(peer_counter(x), (uint64_t)-1);
}

void
exchange_redirected(struct exchange *x, size_t index)
{
	struct peer *p = x->worker->peers[index];

	if (x->redirected || x->fill != FILL_NONE || !p || !peer_is_up(p)) {
		exchange_lost(x);
		return;
	}
	x->asking = false;
	x->redirected = true;
	owner_learn(x, index);
	uncount_asked(x);
	x->owner = index;
	peer_ask(p, x);
}

void
exchange_lost(struct exchange *x)
{
	struct counters *c = &x->worker->counters;

	x->asking = false;
	if (x->fill == FILL_ASKS || x->fill == FILL_CACHED) {
		exchange_fail(x, 502, "the peer was lost");
		return;
	}
	x->passed_over |= UINT64_C(1) << x->owner;
	count(&c->retries, 1);
	uncount_asked(x);
	restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}

struct str
exchange_trailers(const struct exchange *x)
{
	return x->flight ? x->flight->trailers : STR("");
}
