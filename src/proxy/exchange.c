#include "proxy/exchange_internal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "proxy/lookup.h"
#include "proxy/outcome.h"
#include "proxy/parts.h"
#include "proxy/peer.h"
#include "proxy/tunnel.h"

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
	struct exchange *x;

	if (w->nexchanges)
		return w->exchanges[--w->nexchanges];
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
	while (w->nexchanges)
		free_exchange(w->exchanges[--w->nexchanges]);
}

void
exchange_leave_answer(struct exchange *x)
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
	exchange_leave_answer(x);
	if (x->counted)
		count(&w->answers, (uint64_t)-1);
	tunnel_free(take_ptr(&x->tunnel));
	wake_cancel(&x->wake);
	flight_unref(take_ptr(&x->upload));
	if (w->nexchanges == SPARE_EXCHANGES) {
		free_exchange(x);
		return;
	}
	arena_reset(&x->arena);
	x->kept = x->from_peer = x->upgrade = x->tls = false;
	x->stay = x->moving = false;
	x->asks = x->counted = x->redirected = false;
	x->offered = false;
	x->fill = FILL_NONE;
	x->part = NULL;
	x->elsewhere = -1;
	x->on_interim = NULL;
	x->on_owner = NULL;
	x->passed_over = x->declined = 0;
	x->instead_of = x->misled = 0;
	x->client = (struct in6_addr){0};
	x->error = (struct route_error){0};
	w->exchanges[w->nexchanges++] = x;
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

	exchange_leave_answer(x);
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
	exchange_leave_answer(x);
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
	exchange_leave_answer(x);
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
