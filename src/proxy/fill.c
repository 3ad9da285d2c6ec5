#include "proxy/fill.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "proxy/forward.h"
#include "proxy/heat.h"
#include "proxy/judge.h"
#include "proxy/owner.h"
#include "proxy/segment.h"

/* After an answer that others can't share, for so long nobody waits for
 * another's. */
enum { MARK_S = 10 };

struct fill {
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->fills */
	struct grave grave;
	struct exchange *x;	  /* owned: our own, that the peer answers */
	struct fetch_order order; /* flight and stale counted */
	bool cached_only;
	bool ready; /* the flight has its head */
	bool keep;  /* ... and is going to be stored */
	int64_t asked_at_s;
	struct tap tap;
	struct wake wake; /* room again, or nobody reads */
};

static void
bury(struct grave *g)
{
	free(container_of(g, struct fill, grave));
}

/* The flight has been ended, or is another's to fill. */
static void
finish(struct fill *f)
{
	exchange_put(take_ptr(&f->x));
	wake_cancel(&f->wake);
	flight_unref(take_ptr(&f->order.flight));
	object_unref(take_ptr(&f->order.stale));
	list_remove(&f->link);
	loop_bury(f->worker->loop, &f->grave);
}

static void
fail(struct fill *f, unsigned status, const char *why)
{
	store_depart(f->worker->node->store, f->order.flight);
	flight_fail(f->order.flight, status, why);
	finish(f);
}

/* Somebody who had it before that, if there is any; or else the origin. */
static void
give_way(struct fill *f)
{
	struct exchange *x = f->x;

	x->fill = FILL_NONE;
	x->part = NULL;
	atomic_store(&f->order.flight->asked, 0);
	if (f->cached_only) {
		x->declined |= UINT64_C(1) << x->owner;
		fill_or_fetch(x, &f->order);
	} else {
		fetch_start(x, &f->order);
	}
	finish(f);
}

/* --- the head --------------------------------------------------------------
 */

/* Not for the cache: for whoever asked first only. */
static void
make_private(struct fill *f, bool for_all)
{
	struct store *store = f->worker->node->store;
	struct flight *flight = f->order.flight;

	if (for_all && f->order.stale)
		store_remove(store, f->order.stale);
	if (for_all)
		store_mark(store, flight_key(flight),
			loop_wall_s(f->worker->loop), MARK_S);
	store_depart(store, flight);
	f->keep = false;
	flight->private_ = true;
	atomic_store(&flight->body.transient, true);
	wake_post(&f->wake); /* perhaps nobody reads it */
}

static bool
make_shared(struct fill *f, const struct judge_case *c)
{
	struct buf selector = {0};
	bool fits = judge_selector(c, &selector);

	if (fits)
		store_select(f->worker->node->store, f->order.flight,
			buf_view(&selector));
	buf_fini(&selector);
	return fits;
}

/* request: the text that what is returned points into. */
static struct judge_case
case_of(const struct fill *f, const struct head *h, struct buf *request)
{
	int64_t length = exchange_response(f->x)->length;

	forward_request(f->x, TO_FILL, request);
	buf_str(request, STR("\r\n"));
	return (struct judge_case){.request = buf_view(request),
		.response = h,
		.frame = {length < 0 ? FRAME_CLOSE : FRAME_LENGTH,
			length < 0 ? 0 : (uint64_t)length},
		.asked_at_s = f->asked_at_s,
		.arrived_at_s = loop_wall_s(f->worker->loop),
		.object_max_bytes = f->worker->node->config->object_max_bytes};
}

static void
judge_head(struct fill *f, const struct head *h, struct response *out)
{
	struct buf request = {0};
	struct judge_case c = case_of(f, h, &request);
	struct judgement j;

	judge(&c, &j);
	f->keep = !j.response.why_not;
	if (f->keep && !make_shared(f, &c))
		j.response.why_not = "Vary";
	buf_fini(&request);
	if (j.response.why_not)
		make_private(f, j.for_all);
	*out = j.response;
}

/* False: it is not the part that we asked for, or none to be stored. *length:
 * of the whole. */
static bool
judge_part(struct fill *f, const struct head *h, struct response *out,
	uint64_t *length)
{
	struct buf request = {0};
	struct judge_case c = case_of(f, h, &request);
	struct judgement j;

	segment_judge(&c, f->order.part, &j, length);
	buf_fini(&request);
	*out = j.response;
	f->keep = !j.response.why_not;
	return f->keep;
}

/* whole: its length; 0: this is the whole. */
static void
accept_head(struct fill *f, const struct head *h, struct response *judged,
	uint64_t whole)
{
	struct buf fields = {0}, withheld = {0};
	struct response r = *judged;

	r.length = exchange_response(f->x)->length;
	forward_fields(h, !r.why_not, &fields, &withheld);
	r.fields = buf_view(&fields);
	r.withheld = buf_view(&withheld);
	f->ready = true;
	count(&f->worker->counters.filled, 1);
	if (whole)
		segment_store_manifest(f->worker->node->store, f->order.flight,
			f->x->route.key, &r, whole);
	flight_ready(f->order.flight, &r);
	buf_fini(&fields);
	buf_fini(&withheld);
}

/* What a failing origin has said to the peer is no reason to give up what is
 * stored: it may be used now (RFC 5861, 4), which the fetch will see. */
static bool
accept_whole(struct fill *f, const struct head *h)
{
	struct response r;

	if (h->status < 200 || h->status == 304 || h->status == 206 ||
		(h->status >= 500 && (f->cached_only || f->order.stale)))
		return false;
	judge_head(f, h, &r);
	accept_head(f, h, &r, 0);
	return true;
}

static bool
accept_part(struct fill *f, const struct head *h)
{
	struct response r;
	uint64_t whole;

	if (!judge_part(f, h, &r, &whole))
		return false;
	accept_head(f, h, &r, whole);
	return true;
}

/* False when the origin had better be asked. */
static bool
take_head(struct fill *f)
{
	const struct response *r = exchange_response(f->x);
	struct buf text = {0};
	struct head h;
	bool fine;

	buf_printf(&text, "HTTP/1.1 %u \r\n%.*s\r\n", r->status,
		STR_ARG(r->fields));
	fine = head_parse_own_response(buf_view(&text), &h) == HEAD_DONE &&
		h.bytes == buf_len(&text) &&
		(f->x->part ? accept_part(f, &h) : accept_whole(f, &h));
	buf_fini(&text);
	return fine;
}

/* --- the body --------------------------------------------------------------
 */

static void
move(struct fill *f)
{
	struct body *body = &f->order.flight->body;
	struct content *from = &f->x->content;
	size_t window;
	struct str s;

	while ((window = body_window(body)) && content_peek(from, &s, 1)) {
		size_t n = s.n < window ? s.n : window;

		body_append(body, s.p, n);
		content_advance(from, n);
	}
}

/* Has it become too much to keep? */
static void
grown(struct fill *f)
{
	struct node *n = f->worker->node;
	struct body *body = &f->order.flight->body;

	if (!f->keep)
		return;
	store_trim(n->store);
	if (body_filled(body) <= n->config->object_max_bytes &&
		(!store_is_full(n->store) || body_is_shared(body)))
		return;
	store_depart(n->store, f->order.flight);
	f->keep = false;
	body_release(body);
	wake_post(&f->wake); /* perhaps nobody reads it */
}

static void
complete(struct fill *f)
{
	flight_end(f->order.flight, exchange_trailers(f->x));
	if (f->keep)
		store_keep(f->worker->node->store, f->order.flight);
	if (f->keep && !f->cached_only)
		heat_note_copy(f->worker->node,
			place_hash(flight_key(f->order.flight)),
			f->x->placed.place);
	finish(f);
}

static void
take_body(struct fill *f)
{
	move(f);
	grown(f);
	switch (content_state(&f->x->content)) {
	case BODY_OPEN: break;
	case BODY_DONE: complete(f); break;
	case BODY_FAILED: fail(f, 502, "the peer was lost"); break;
	}
}

/* --- its course ------------------------------------------------------------
 */

static void
run(struct fill *f)
{
	switch (exchange_phase(f->x)) {
	case EXCHANGE_WAITING: return;
	case EXCHANGE_FAILED:
		if (f->ready)
			fail(f, 502, "the peer was lost");
		else
			give_way(f);
		return;
	case EXCHANGE_READY: break;
	}
	if (f->ready || take_head(f))
		take_body(f);
	else
		give_way(f);
}

static void
on_ready(struct exchange *x)
{
	run(x->user);
}

static void
on_wake(struct wake *w)
{
	struct fill *f = container_of(w, struct fill, wake);

	if (body_orphaned(&f->order.flight->body))
		fail(f, 499, "nobody reads this any more");
	else
		run(f);
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct fill, tap)->wake);
}

/* Not everything that is stored, and fresh, will do. */
static bool
has_wishes(const struct cachectl *asked)
{
	return asked->no_cache || asked->no_store || asked->max_age >= 0 ||
		asked->min_fresh >= 0;
}

/* Whom to ask; NULL: the origin. Who has nothing to ask for but what is stored
 * is not asked to confirm it, nor by whom nobody else may know. */
static struct peer *
find_source(struct exchange *x, const struct fetch_order *order, size_t *index,
	bool *cached_only)
{
	struct peer *p;

	if (order->mode == FETCH_PASS || x->fill != FILL_NONE ||
		head_find(&x->head, FIELD_AUTHORIZATION))
		return NULL;
	p = owner_source(x, index, cached_only);
	if (p && *cached_only && (order->stale || has_wishes(&x->asked)))
		return NULL;
	return p;
}

static struct exchange *
copy(struct exchange *from)
{
	struct exchange *x = exchange_get(from->worker);
	struct str raw =
		arena_copy(&x->arena, str_of(from->raw, from->head.bytes));

	if (head_parse_own_request(raw, &x->head) != HEAD_DONE) {
		exchange_put(x);
		return NULL;
	}
	/* whatever it was: what is to be stored is the answer to a GET */
	x->head.method = METHOD_GET;
	x->head.method_str = STR("GET");
	x->head.uncoded = from->head.uncoded;
	x->raw = raw.p;
	x->kept = true;
	x->client = from->client;
	if (from->tls)
		exchange_by_tls(x);
	x->from_peer = from->from_peer;
	x->asked_by = from->asked_by;
	x->declined = from->declined;
	return x;
}

void
fill_or_fetch(struct exchange *x, const struct fetch_order *order)
{
	struct worker *w = x->worker;
	bool cached_only;
	size_t index;
	struct peer *p = find_source(x, order, &index, &cached_only);
	struct exchange *ours = p ? copy(x) : NULL;
	struct fill *f;

	if (!ours) {
		fetch_start(x, order);
		return;
	}
	f = NEW(struct fill);
	f->worker = w;
	f->grave.bury = bury;
	f->x = ours;
	f->order = *order;
	flight_ref(order->flight);
	if (order->stale)
		object_ref(order->stale);
	f->cached_only = cached_only;
	f->asked_at_s = loop_wall_s(w->loop);
	f->tap.on_consumed = on_consumed;
	wake_init(&f->wake, w->loop, on_wake);
	list_push_back(&w->fills, &f->link);
	body_set_tap(&order->flight->body, &f->tap);
	if (order->mode == FETCH_PART)
		ours->part = &f->order.part;
	atomic_store(&order->flight->asked, (unsigned)index + 1);
	ours->user = f;
	ours->on_ready = on_ready;
	exchange_fill(ours, p, index, cached_only);
}

void
fill_abort_all(struct worker *w)
{
	while (!list_empty(&w->fills))
		fail(container_of(w->fills.next, struct fill, link), 503,
			"shutting down");
}
