#include "proxy/rendition.h"

#include "base/own.h"
#include "proxy/distiller.h"
#include "proxy/exchange.h"

static void
on_progress(struct reader *r)
{
	struct rendition *e = container_of(r, struct rendition, ear);

	wake_post(&container_of(e, struct exchange, rendition)->wake);
}

/* Patience has an end: the original is the answer then. */
static void
on_timer(struct timer *t)
{
	struct rendition *e = container_of(t, struct rendition, timer);

	e->over = true;
	wake_post(&container_of(e, struct exchange, rendition)->wake);
}

void
rendition_init(struct exchange *x)
{
	x->rendition.ear.on_progress = on_progress;
	x->rendition.timer.on_timer = on_timer;
}

void
rendition_begin(struct exchange *x)
{
	struct rendition *e = &x->rendition;
	const struct node_site *site = x->route.site;
	bool reads =
		x->head.method == METHOD_GET || x->head.method == METHOD_HEAD;

	e->rules = NULL;
	e->holds = e->over = false;
	e->by_ns = 0;
	if (!site || !reads || !(site->distill.images || site->distill.text))
		return;
	x->head.uncoded = site->distill.text;
	if (x->fill == FILL_ANSWERS)
		return; /* a peer's cache wants what ours has */
	e->rules = &site->distill;
	e->original = x->asked.no_transform || x->route.original;
	class_of(&x->head, e->rules, &e->class);
}

void
rendition_leave(struct exchange *x)
{
	struct rendition *e = &x->rendition;

	if (!e->making && !e->holds)
		return;
	reader_detach(&e->ear);
	flight_unref(take_ptr(&e->making));
	loop_disarm(x->worker->loop, &e->timer);
	e->holds = false;
}

/* From now on, or from when the wait began. */
static void
hold(struct exchange *x)
{
	struct rendition *e = &x->rendition;
	uint64_t now_ns = loop_now_ns(x->worker->loop);

	if (!e->by_ns)
		e->by_ns = now_ns + e->rules->wait_ns;
	e->holds = true;
	loop_arm(x->worker->loop, &e->timer,
		e->by_ns > now_ns ? e->by_ns - now_ns : 0);
}

/* --- the original is on its way ------------------------------------------- */

static bool
is_possible(const struct exchange *x)
{
	const struct rendition *e = &x->rendition;

	return e->rules && !e->original && !e->over;
}

/* Will it be stored, and then distilled? */
bool
rendition_awaits(const struct exchange *x)
{
	const struct rendition *e = &x->rendition;
	const struct flight *f = x->flight;
	const struct response *r = &f->response;
	struct order o;

	return is_possible(x) && e->rules->wait_ns &&
		(x->from == FROM_MISS || x->from == FROM_JOIN) &&
		x->head.method == METHOD_GET && r->status == 200 &&
		!r->why_not && f->key_bytes &&
		body_state(&f->body) != BODY_FAILED &&
		!atomic_load(&f->body.transient) &&
		body_filled(&f->body) <= ORDER_BYTES_MAX &&
		recipe_of(&e->class, e->rules, r->fields, r->length, &o);
}

static struct object *
find_original(struct exchange *x)
{
	const struct wanted w = {x->route.key, &x->head,
		head_find(&x->head, FIELD_AUTHORIZATION)};
	bool others;
	struct object *o = store_find(x->worker->node->store, &w, &others);

	if (o && !object_is_mark(o) && o->serial == x->flight->serial)
		return o;
	object_unref(o);
	return NULL;
}

static struct object *
look_at_flight(struct exchange *x)
{
	struct rendition *e = &x->rendition;
	struct object *o;

	if (flight_phase(x->flight) != FLIGHT_READY || !rendition_awaits(x)) {
		rendition_leave(x);
		return NULL;
	}
	if (!atomic_load(&x->flight->landed)) {
		if (!e->holds)
			hold(x);
		return NULL;
	}
	o = find_original(x);
	e->over = !o; /* gone already: its bytes are still in the flight */
	if (!o)
		rendition_leave(x);
	return o;
}

/* --- it is stored --------------------------------------------------------- */

/* r's reference is taken over; x reads the original. */
static void
read_result(struct exchange *x, struct object *r)
{
	struct buf fields = {0};

	recipe_put_fields(x->response.fields, object_fields(r), &fields);
	x->response.fields = arena_copy(&x->arena, buf_view(&fields));
	x->response.length = (int64_t)r->length;
	buf_fini(&fields);
	content_of_object(&x->content, r);
	object_unref(x->object);
	x->object = r;
	count(&x->worker->counters.distilled_served, 1);
}

static void
put_key(const struct exchange *x, const struct order *o, struct buf *out)
{
	buf_str(out, x->route.key);
	buf_printf(out, STORE_MADE "%x-", x->object->serial);
	recipe_put_name(o, out);
}

/* May it be asked for (again)? */
static bool
is_due(const struct exchange *x, const struct object *mark)
{
	return !mark ||
		object_age_s(mark, loop_wall_s(x->worker->loop)) >=
		mark->fresh.lifetime_s;
}

/* It is made, by our worker's distiller or somebody else's. */
static void
make(struct exchange *x, const struct wanted *w, const struct order *o,
	const struct object *mark)
{
	struct rendition *e = &x->rendition;
	struct flight *f;

	switch (store_board(x->worker->node->store, w, mark, &f)) {
	case STORE_STORED: /* in this very moment */
		rendition_choose(x);
		return;
	case STORE_JOIN: break;
	case STORE_BEGIN:
		distiller_take(x->worker->distiller,
			&(struct distiller_job){.order = *o,
				.original = x->object,
				.flight = f,
				.gave_up_s =
					mark ? mark->fresh.lifetime_s : 0});
		break;
	}
	if (!e->rules->wait_ns || e->over ||
		reader_attach(&e->ear, &f->body) < 0) {
		count(&x->worker->counters.distill_late, 1);
		flight_unref(f);
		return;
	}
	e->making = f;
	hold(x);
}

void
rendition_choose(struct exchange *x)
{
	struct rendition *e = &x->rendition;
	struct buf key = {0};
	struct wanted w = {.request = &x->head};
	struct object *r;
	struct order o;
	bool others;

	if (!e->rules || e->original || x->response.status != 200 ||
		!recipe_of(&e->class, e->rules, x->response.fields,
			x->response.length, &o))
		return;
	put_key(x, &o, &key);
	w.key = buf_view(&key);
	r = w.key.n <= OBJECT_TEXT
		? store_find(x->worker->node->store, &w, &others)
		: NULL;
	if (r && !object_is_mark(r))
		read_result(x, object_ref(r));
	else if (w.key.n <= OBJECT_TEXT && x->head.method == METHOD_GET &&
		!e->over && is_due(x, r))
		make(x, &w, &o, r);
	object_unref(r);
	buf_fini(&key);
}

/* Done, or not; or it took too long. */
static void
look_at_result(struct exchange *x)
{
	struct rendition *e = &x->rendition;
	bool ended = atomic_load(&e->making->landed);

	if (!ended && !e->over)
		return;
	if (!ended)
		count(&x->worker->counters.distill_late, 1);
	rendition_leave(x);
	e->over = true; /* it is made once, even if it can't be kept */
	if (ended)
		rendition_choose(x);
}

struct object *
rendition_look(struct exchange *x)
{
	struct rendition *e = &x->rendition;

	if (!e->rules)
		return NULL;
	if (e->making)
		look_at_result(x);
	else if (x->flight)
		return look_at_flight(x);
	return NULL;
}

/* --- the answer's head ---------------------------------------------------- */

void
rendition_put_vary(const struct exchange *x, struct buf *out)
{
	const struct response *r = exchange_response(x);

	if (x->rendition.rules && x->from != FROM_PASS &&
		x->from != FROM_PEER && (r->status == 200 || r->status == 206))
		buf_str(out, recipe_vary(x->rendition.rules, r->fields));
}
