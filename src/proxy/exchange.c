#include "proxy/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "proxy/fetch.h"
#include "proxy/peer.h"

enum { SPARES = 256 };

static void
on_progress(struct reader *r)
{
	wake_post(&container_of(r, struct exchange, reader)->wake);
}

static void restart(struct exchange *x);
static void pass(struct exchange *x);
static void serve(struct exchange *x);

/* --- its life ------------------------------------------------------------- */

static void on_wake(struct wake *w);

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
	x->reader.on_progress = on_progress;
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
	if (x->asking)
		peer_cancel(x->worker->peers[x->owner], x);
	x->whole = false;
	reader_detach(&x->reader);
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
	wake_cancel(&x->wake);
	flight_unref(take_ptr(&x->upload));
	if (w->nexchanges == SPARES) {
		free_exchange(x);
		return;
	}
	arena_reset(&x->arena);
	x->kept = x->from_peer = false;
	x->passed_over = 0;
	x->client.s_addr = 0;
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

/* It was for whoever asked first; not for us. */
static bool
is_anothers(const struct exchange *x)
{
	return x->from == FROM_JOIN &&
		flight_phase(x->flight) != FLIGHT_WAITING &&
		x->flight->private_;
}

enum exchange_phase
exchange_phase(const struct exchange *x)
{
	if (x->whole)
		return EXCHANGE_READY;
	if (!x->flight)
		return x->error.status ? EXCHANGE_FAILED : EXCHANGE_WAITING;
	if (is_anothers(x))
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
on_wake(struct wake *w)
{
	struct exchange *x = container_of(w, struct exchange, wake);
	struct counters *c = &x->worker->counters;

	if (x->flight && is_anothers(x)) {
		count(&c->coalesced, (uint64_t)-1);
		count(&c->served, (uint64_t)-1);
		pass(x);
	} else {
		x->on_ready(x);
	}
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
	return reader_attach(&x->reader, &f->body);
}

/* o's reference is taken over. */
static void
read_object(struct exchange *x, struct object *o, enum exchange_from from)
{
	leave_answer(x);
	x->object = o;
	x->from = from;
	x->whole = true;
	object_response(o, &x->response);
	x->body_bytes = o->length;
	object_read(o, &x->reader);
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
pass(struct exchange *x)
{
	count(&x->worker->counters.served, 1);
	count(&x->worker->counters.passes, 1);
	(void)read_flight(x, private_flight(x), FROM_PASS);
	fetch_start(x, false);
}

/* Is the stored response good for this request as it is? */
static bool
is_usable(const struct object *o, int64_t now_s)
{
	return !object_is_mark(o) && now_s - o->born_s < o->fresh.lifetime_s;
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
}

static void
miss(struct exchange *x, struct flight *f)
{
	struct counters *c = &x->worker->counters;

	(void)read_flight(x, f, FROM_MISS);
	count(&c->misses, 1);
	count(&c->served, 1);
	fetch_start(x, true);
}

/* As the owner, or in the owner's place. */
static void
serve(struct exchange *x)
{
	struct store *store = x->worker->node->store;
	struct object *o = store_find(store, x->route.key);
	struct flight *f;

	if (o && is_usable(o, loop_wall_s(x->worker->loop))) {
		read_object(x, o, FROM_HIT);
		count(&x->worker->counters.hits, 1);
		count(&x->worker->counters.served, 1);
		return;
	}
	switch (store_board(store, x->route.key, o, &f)) {
	case STORE_STORED: serve(x); break;
	case STORE_JOIN: join(x, f); break;
	case STORE_BEGIN: miss(x, f); break;
	}
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
		!x->upload && !head_find(h, FIELD_AUTHORIZATION);
}

static void
restart(struct exchange *x)
{
	struct counters *c = &x->worker->counters;
	bool cacheable = may_be_cached(x);
	struct peer *owner = cacheable ? find_owner(x) : NULL;

	if (owner) {
		leave_answer(x);
		x->from = FROM_PEER;
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

/* --- what the peer says ----------------------------------------------------
 */

/* What is left of the answer is needed for longer. */
static void
keep_answer(struct exchange *x)
{
	struct str *fields = &x->response.fields;

	*fields = arena_copy(&x->arena, *fields);
	x->reader.flat = arena_copy(&x->arena, x->reader.flat);
}

void
exchange_answer(struct exchange *x, const struct response *r, struct str body)
{
	struct worker *w = x->worker;

	x->asking = false;
	x->whole = true;
	x->response = *r;
	x->body_bytes = body.n;
	reader_attach_flat(&x->reader, body);
	w->answering = x;
	x->on_ready(x);
	/* It may have ended, and be another one's already. */
	if (w->answering == x)
		keep_answer(x);
	w->answering = NULL;
}

void
exchange_follow(struct exchange *x, struct flight *f)
{
	x->asking = false;
	(void)read_flight(x, f, FROM_PEER);
}

void
exchange_lost(struct exchange *x)
{
	struct counters *c = &x->worker->counters;

	x->asking = false;
	x->passed_over |= UINT64_C(1) << x->owner;
	count(&c->retries, 1);
	count(&c->relayed, (uint64_t)-1);
	restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}

/* --- the answer's body ---------------------------------------------------- */

size_t
exchange_peek(struct exchange *x, struct str *slices, size_t max)
{
	return reader_peek(&x->reader, slices, max);
}

void
exchange_advance(struct exchange *x, size_t n)
{
	reader_advance(&x->reader, n);
}

static uint64_t
taken(const struct exchange *x)
{
	return atomic_load_explicit(&x->reader.pos, memory_order_relaxed);
}

enum body_state
exchange_body_state(const struct exchange *x)
{
	enum body_state state;

	if (x->whole)
		return taken(x) == x->body_bytes ? BODY_DONE : BODY_OPEN;
	state = body_state(&x->flight->body);
	/* Bytes before the end are seen once the end is. */
	return taken(x) == body_filled(&x->flight->body) ? state : BODY_OPEN;
}

int64_t
exchange_body_bytes(const struct exchange *x)
{
	int64_t length = exchange_response(x)->length;

	if (length >= 0)
		return length;
	/* A HEAD that was passed on has no body to count. */
	if (x->flight && body_state(&x->flight->body) == BODY_DONE &&
		x->head.method != METHOD_HEAD)
		return (int64_t)body_filled(&x->flight->body);
	return -1;
}
