#include "proxy/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/forwarded.h"
#include "http/upgrade.h"
#include "proxy/bulk.h"
#include "proxy/lookup.h"
#include "proxy/outcome.h"
#include "proxy/owner.h"
#include "proxy/parts.h"
#include "proxy/peer.h"
#include "proxy/tally.h"
#include "proxy/tunnel.h"

enum { SPARES = 256 };

/* --- its life ------------------------------------------------------------- */

static void on_wake(struct wake *w);
static void on_timer(struct timer *t);

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
	rendition_init(x);
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
	rendition_leave(x);
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
	x->stay = x->moving = false;
	x->counted = x->redirected = false;
	x->offered = false;
	x->fill = FILL_NONE;
	x->part = NULL;
	x->elsewhere = -1;
	x->on_interim = NULL;
	x->on_owner = NULL;
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
	rebase(&h->host, x, copy);
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

/* --- what it reads -------------------------------------------------------- */

int
exchange_read_flight(
	struct exchange *x, struct flight *f, enum exchange_from from)
{
	int r;

	leave_answer(x);
	x->flight = f;
	x->from = from;
	x->by_parts = false;
	r = content_of_flight(&x->content, f);
	/* After that: its writer, on another thread, tells readers only. */
	if (flight_phase(f) != FLIGHT_WAITING)
		wake_post(&x->wake);
	return r;
}

void
exchange_read_object(
	struct exchange *x, struct object *o, enum exchange_from from)
{
	leave_answer(x);
	x->object = o;
	x->from = from;
	x->known = true;
	object_response(o, &x->response);
	content_of_object(&x->content, o);
	rendition_choose(x);
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
	exchange_read_object(x, o, x->from);
}

/* --- what has become of it ------------------------------------------------ */

enum exchange_phase
exchange_phase(const struct exchange *x)
{
	if (x->known)
		return x->rendition.holds ? EXCHANGE_WAITING : EXCHANGE_READY;
	if (!x->flight)
		return x->error.status ? EXCHANGE_FAILED : EXCHANGE_WAITING;
	switch (outcome_of(x)) {
	case OUTCOME_READY:
		return rendition_awaits(x) ? EXCHANGE_WAITING : EXCHANGE_READY;
	case OUTCOME_FAILED: return EXCHANGE_FAILED;
	case OUTCOME_WAITING: break;
	case OUTCOME_INSTEAD:
	case OUTCOME_ANOTHERS:
	case OUTCOME_UNFIT:
	case OUTCOME_PART: break; /* until on_wake() */
	}
	return EXCHANGE_WAITING;
}

const struct response *
exchange_response(const struct exchange *x)
{
	return x->flight ? &x->flight->response : &x->response;
}

static bool
may_be_cached(const struct exchange *x)
{
	const struct head *h = &x->head;

	return (h->method == METHOD_GET || h->method == METHOD_HEAD) &&
		!x->upload && !x->upgrade;
}

/* What is not for the cache is nobody else's to answer. */
void
exchange_tally(const struct exchange *x, uint64_t bytes)
{
	if (x->from != FROM_PEER && x->fill == FILL_NONE)
		tally_answer(x->worker->tally,
			may_be_cached(x) ? &x->placed : NULL, bytes);
}

struct route_error
exchange_error(const struct exchange *x)
{
	if (!x->flight)
		return x->error;
	return (struct route_error){x->flight->error_status, x->flight->error};
}

struct str
exchange_trailers(const struct exchange *x)
{
	return x->flight ? x->flight->trailers : STR("");
}

/* What was waited for has come, or turned out not to be the answer. */
static void
look(struct exchange *x)
{
	switch (outcome_of(x)) {
	case OUTCOME_INSTEAD: read_instead(x); break;
	case OUTCOME_ANOTHERS: lookup_repass(x); break;
	case OUTCOME_UNFIT: lookup_again(x); break;
	case OUTCOME_PART: parts_go_on(x); break;
	case OUTCOME_WAITING:
	case OUTCOME_READY:
	case OUTCOME_FAILED: break;
	}
}

static void
look_at_rendition(struct exchange *x)
{
	struct object *o = rendition_look(x);

	if (o)
		exchange_read_object(x, o, x->from);
}

static void
on_wake(struct wake *w)
{
	struct exchange *x = container_of(w, struct exchange, wake);

	if (x->flight)
		look(x);
	look_at_rendition(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		x->on_ready(x);
}

/* A wait has its bounds: whoever fetches may have a slower origin, or luck. */
static void
on_timer(struct timer *t)
{
	struct exchange *x = container_of(t, struct exchange, timer);

	if (exchange_phase(x) != EXCHANGE_WAITING || x->from != FROM_JOIN ||
		x->rendition.holds)
		return;
	lookup_repass(x);
}

/* --- its start ------------------------------------------------------------ */

/* Load is of those who answer. */
static void
answer_here(struct exchange *x)
{
	if (!x->counted)
		count(&x->worker->answers, 1);
	x->counted = true;
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
		if (!x->on_owner || !x->on_owner(x, owner, false))
			peer_ask(owner, x);
		return;
	}
	if (!x->from_peer && x->fill == FILL_NONE)
		count(&c->local, 1);
	if (is_elsewhere(x, cacheable))
		return;
	answer_here(x);
	if (x->worker->node->config->passes)
		x->why = WHY_BYPASS;
	if (cacheable && x->why != WHY_BYPASS)
		lookup(x);
	else
		lookup_pass(x);
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
	owner_place(x);
	/* What moved here was asked for there. */
	if (!x->from_peer && !x->stay && x->fill == FILL_NONE)
		tally_ask(x->worker->tally, &x->placed);
	x->upgrade = !x->upload && x->head.method == METHOD_GET &&
		upgrade_is_offered(&x->head);
	rendition_begin(x);
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
	owner_place(x);
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
	(void)exchange_read_flight(x, f, FROM_PEER);
}

void
exchange_stay(struct exchange *x)
{
	x->on_owner = NULL;
	restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}

void
exchange_redirected(struct exchange *x, size_t index)
{
	if (x->redirected || x->fill != FILL_NONE) {
		exchange_lost(x);
		return;
	}
	x->asking = false;
	x->redirected = true;
	count(peer_counter(x), (uint64_t)-1);
	/* It may be ourselves. */
	owner_learn(x, index);
	restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
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
	if (x->moving) {
		x->passed_over |= UINT64_C(1) << x->owner;
		x->on_move(x, MOVE_ON_LOST);
		return;
	}
	x->passed_over |= UINT64_C(1) << x->owner;
	count(&c->retries, 1);
	count(peer_counter(x), (uint64_t)-1);
	restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}
