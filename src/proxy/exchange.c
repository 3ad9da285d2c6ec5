#include "proxy/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/fetch.h"
#include "proxy/peer.h"

static void
on_progress(struct reader *r)
{
	wake_post(&container_of(r, struct exchange, reader)->wake);
}

static void restart(struct exchange *x);
static void pass(struct exchange *x);

/* The owner was lost before he answered. */
static bool
is_lost(const struct exchange *x)
{
	return object_phase(x->object) == OBJECT_FAILED &&
		x->object->peer_lost && x->from == FROM_PEER;
}

/* It was for whoever asked first; not for us. */
static bool
is_anothers(const struct exchange *x)
{
	return object_phase(x->object) != OBJECT_WAITING &&
		x->object->private_ && x->from == FROM_JOIN;
}

enum object_phase
exchange_phase(const struct exchange *x)
{
	if (is_lost(x) || is_anothers(x))
		return OBJECT_WAITING; /* until on_wake() */
	return object_phase(x->object);
}

static void
on_wake(struct wake *w)
{
	struct exchange *x = container_of(w, struct exchange, wake);

	if (is_lost(x)) {
		x->passed_over |= UINT64_C(1) << x->owner;
		count(&x->worker->counters.retries, 1);
		count(&x->worker->counters.relayed, (uint64_t)-1);
		restart(x);
	} else if (is_anothers(x)) {
		count(&x->worker->counters.coalesced, (uint64_t)-1);
		count(&x->worker->counters.served, (uint64_t)-1);
		pass(x);
	} else {
		x->on_ready(x);
	}
}

static void
rebase(struct str *s, const char *from, const char *to)
{
	if (s->p)
		s->p = to + (s->p - from);
}

struct exchange *
exchange_new(struct worker *w, const struct head *h, const char *raw)
{
	struct exchange *x = NEW(struct exchange);
	const char *copy;

	x->worker = w;
	x->reader.on_progress = on_progress;
	wake_init(&x->wake, w->loop, on_wake);
	copy = arena_copy(&x->arena, str_of(raw, h->bytes)).p;
	x->head = *h;
	rebase(&x->head.method_str, raw, copy);
	rebase(&x->head.target, raw, copy);
	for (unsigned i = 0; i < h->nfields; i++) {
		rebase(&x->head.fields[i].name, raw, copy);
		rebase(&x->head.fields[i].value, raw, copy);
	}
	return x;
}

/* o's reference is taken over. -ESTALE: too late to read it. */
static int
read_from(struct exchange *x, struct object *o, enum exchange_from from)
{
	int r;

	reader_detach(&x->reader);
	object_unref(x->object);
	x->object = o;
	x->from = from;
	r = reader_attach(&x->reader, &o->body);
	if (object_phase(o) != OBJECT_WAITING)
		wake_post(&x->wake);
	return r;
}

static struct object *
flight_object(struct exchange *x)
{
	return object_new(&x->worker->node->flight);
}

void
exchange_refuse(struct exchange *x, unsigned status, const char *why)
{
	struct object *o = flight_object(x);

	object_fail(o, status, why);
	(void)read_from(x, o, FROM_US);
	if (!x->from_peer)
		count(&x->worker->counters.refused, 1);
}

static void
pass(struct exchange *x)
{
	struct object *o = flight_object(x);

	count(&x->worker->counters.served, 1);
	count(&x->worker->counters.passes, 1);
	(void)read_from(x, o, FROM_PASS);
	fetch_start(x, false);
}

/* As the owner, or in the owner's place. */
static void
serve(struct exchange *x)
{
	struct counters *c = &x->worker->counters;
	enum exchange_from from;
	struct object *o;

	switch (store_get(
		x->worker->node->store, x->route.key, clock_wall_s(), &o)) {
	case STORE_HIT:
	case STORE_JOIN:
		/* What is still on its way is no hit, though its head may be
		 * here already. */
		from = body_state(&o->body) == BODY_DONE ? FROM_HIT : FROM_JOIN;
		if (read_from(x, o, from) < 0) {
			pass(x);
			return;
		}
		count(from == FROM_HIT ? &c->hits : &c->coalesced, 1);
		break;
	case STORE_MISS:
		(void)read_from(x, o, FROM_MISS);
		count(&c->misses, 1);
		fetch_start(x, true);
		break;
	}
	count(&c->served, 1);
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
	struct peer *owner;
	struct object *o;

	if (!may_be_cached(x)) {
		if (!x->from_peer)
			count(&c->local, 1);
		pass(x);
		return;
	}
	owner = find_owner(x);
	if (!owner) {
		if (!x->from_peer)
			count(&c->local, 1);
		serve(x);
		return;
	}
	o = flight_object(x);
	(void)read_from(x, o, FROM_PEER);
	peer_ask(owner, x);
}

void
exchange_start(struct exchange *x)
{
	const struct node *n = x->worker->node;
	struct route_error error;

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

void
exchange_free(struct exchange *x)
{
	if (!x)
		return;
	reader_detach(&x->reader);
	wake_cancel(&x->wake);
	object_unref(x->object);
	object_unref(x->upload);
	arena_fini(&x->arena);
	free(x);
}
