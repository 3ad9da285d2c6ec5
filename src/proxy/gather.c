#include "proxy/gather.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "http/fields.h"
#include "http/precondition.h"
#include "proxy/fill.h"
#include "proxy/lookup.h"
#include "proxy/segment.h"
#include "proxy/shape.h"

struct gather {
	struct exchange *asker; /* borrowed, as long as it reads `out` */
	struct worker *worker;	/* borrowed */
	struct list link;	/* in worker->gathers */
	struct arena arena;
	struct object *manifest; /* counted */
	struct flight *out;	 /* counted; we write it */
	uint64_t at, end;	 /* bytes to come */
	struct flight *flight;	 /* counted: the part that is being read, */
	struct object *object;	 /* or this; or neither */
	bool joined;		 /* the flight is another's fetch */
	struct content part;
	struct wake wake;
	struct tap tap;
	struct grave grave;
};

static const struct head no_request;

/* --- what is asked for ------------------------------------------------------
 */

/* All of it, or as Range and If-Range say. What conditions make of it, and 416,
 * is made of the whole (proxy/shape.h). */
static bool
is_part(const struct exchange *x, const struct validators *v, uint64_t length,
	struct range *out)
{
	struct range_parts parts;
	struct range_set set;

	*out = (struct range){0, length - 1};
	if (precondition_check(&x->head, v) != PRECONDITION_PASS)
		return false;
	if (!range_asked(&x->head, &set) || !precondition_if_range(&x->head, v))
		return false;
	if (range_resolve(&set, length, &parts) != RANGE_PARTS || parts.n > 1)
		return false;
	*out = parts.v[0];
	return true;
}

struct object *
gather_manifest(struct exchange *x, bool *mark)
{
	int64_t now_s = loop_wall_s(x->worker->loop);
	struct buf key = {0};
	struct object *o;
	bool others;

	segment_put_manifest_key(x->route.key, &key);
	o = store_find(x->worker->node->store,
		&(struct wanted){.key = buf_view(&key), .request = &no_request},
		&others);
	buf_fini(&key);
	*mark = o && object_is_mark(o) &&
		object_age_s(o, now_s) < o->fresh.lifetime_s;
	if (o &&
		(object_is_mark(o) ||
			cachectl_use(&x->asked, &o->fresh,
				object_age_s(o, now_s)) != USE_FRESH))
		object_unref(take_ptr(&o));
	return o;
}

bool
gather_is_stored(struct exchange *x, const struct object *manifest)
{
	struct validators v = validators_of_fields(object_fields(manifest));
	struct store *store = x->worker->node->store;
	struct range range;
	bool all = true, others;

	if (x->head.method == METHOD_HEAD)
		return true;
	(void)is_part(x, &v, segment_length(manifest), &range);
	for (uint64_t at = range.first; all && at <= range.last;
		at = segment_around(at).last + 1) {
		struct buf key = {0};
		struct object *o;

		segment_put_key(x->route.key, at, &key);
		o = store_find(store,
			&(struct wanted){
				.key = buf_view(&key), .request = &no_request},
			&others);
		all = o && segment_belongs(o, manifest);
		object_unref(o);
		buf_fini(&key);
	}
	return all;
}

bool
gather_wants(const struct exchange *x, uint64_t *at)
{
	struct range_set set;

	if (!range_asked(&x->head, &set) || set.n != 1)
		return false;
	*at = set.v[0].is_suffix ? 0 : set.v[0].first;
	return true;
}

/* --- its course ------------------------------------------------------------
 */

static void
bury(struct grave *g)
{
	free(container_of(g, struct gather, grave));
}

static void
leave_part(struct gather *g)
{
	content_leave(&g->part);
	flight_unref(take_ptr(&g->flight));
	object_unref(take_ptr(&g->object));
}

/* The flight out has been ended. */
static void
finish(struct gather *g)
{
	leave_part(g);
	wake_cancel(&g->wake);
	flight_unref(take_ptr(&g->out));
	object_unref(take_ptr(&g->manifest));
	arena_fini(&g->arena);
	list_remove(&g->link);
	loop_bury(g->worker->loop, &g->grave);
}

static void
fail(struct gather *g, unsigned status, const char *why)
{
	flight_fail(g->out, status, why);
	finish(g);
}

static void
fetch_part(struct gather *g, struct flight *f, struct range part)
{
	fill_or_fetch(g->asker,
		&(struct fetch_order){
			.flight = f, .mode = FETCH_PART, .part = part});
}

enum part_result { PART_STORED, PART_JOINED, PART_BEGUN, PART_AGAIN };

/* The part that has the byte `at`, one way or another. */
static enum part_result
get_part(struct gather *g, uint64_t at, struct object **o, struct flight **f)
{
	struct store *store = g->worker->node->store;
	struct range part = segment_around(at);
	struct wanted w = {.request = &no_request};
	enum part_result result = PART_JOINED;
	struct buf key = {0};
	bool others;

	segment_put_key(g->asker->route.key, part.first, &key);
	w.key = buf_view(&key);
	*o = store_find(store, &w, &others);
	if (*o && segment_belongs(*o, g->manifest)) {
		buf_fini(&key);
		return PART_STORED;
	}
	switch (store_board(store, &w, *o, f)) {
	case STORE_STORED: result = PART_AGAIN; break;
	case STORE_JOIN:
		if (!lookup_would_wait(g->asker, *f))
			break;
		flight_unref(*f);
		*f = store_begin_alone(store, &w);
		/* fall through */
	case STORE_BEGIN:
		result = PART_BEGUN;
		fetch_part(g, *f, part);
		break;
	}
	object_unref(*o);
	buf_fini(&key);
	return result;
}

/* The next one is on its way while this one is read. */
static void
fetch_ahead(struct gather *g)
{
	uint64_t next = segment_around(g->at).last + 1;
	struct object *o;
	struct flight *f;

	if (next >= g->end)
		return;
	switch (get_part(g, next, &o, &f)) {
	case PART_STORED: object_unref(o); break;
	case PART_JOINED:
	case PART_BEGUN: flight_unref(f); break;
	case PART_AGAIN: break;
	}
}

static void
open_part(struct gather *g)
{
	enum part_result r;

	do
		r = get_part(g, g->at, &g->object, &g->flight);
	while (r == PART_AGAIN);
	if (r == PART_STORED)
		content_of_object(&g->part, g->object);
	else
		g->object = NULL;
	g->joined = r == PART_JOINED;
	if (g->flight && content_of_flight(&g->part, g->flight) < 0) {
		fail(g, 502, "a part was let go");
		return;
	}
	fetch_ahead(g);
}

/* Its bytes from `at` on, as far as they go. */
static void
select_bytes(struct gather *g)
{
	uint64_t base = segment_around(g->at).first;
	uint64_t end =
		base + SEGMENT_BYTES < g->end ? base + SEGMENT_BYTES : g->end;
	struct range_parts one = {1, {{g->at - base, end - base - 1}}};

	arena_reset(&g->arena);
	content_parts(&g->part, &one, NULL, &g->arena);
}

/* It was for whoever asked first; not for us. */
static bool
is_anothers(const struct gather *g)
{
	return g->flight && g->joined &&
		flight_phase(g->flight) == FLIGHT_READY && g->flight->private_;
}

/* False: the head of the part is not there yet, or it is not one. */
static bool
has_part(struct gather *g)
{
	while ((!g->object && !g->flight) || is_anothers(g)) {
		leave_part(g);
		open_part(g);
		if (!g->out)
			return false;
	}
	if (g->part.pieces)
		return true;
	if (g->flight && flight_phase(g->flight) == FLIGHT_WAITING)
		return false;
	if (g->flight &&
		(flight_phase(g->flight) != FLIGHT_READY ||
			!segment_flight_belongs(g->flight, g->manifest))) {
		fail(g, 502, "the origin has other content by now");
		return false;
	}
	select_bytes(g);
	return true;
}

/* True when bytes moved. */
static bool
copy_some(struct gather *g)
{
	size_t window = body_window(&g->out->body);
	struct str s;

	if (!window || !content_peek(&g->part, &s, 1))
		return false;
	if (s.n > window)
		s.n = window;
	body_append(&g->out->body, s.p, s.n);
	content_advance(&g->part, s.n);
	g->at += s.n;
	return true;
}

static void
run(struct gather *g)
{
	while (g->out && g->at < g->end && has_part(g)) {
		if (copy_some(g))
			continue;
		switch (content_state(&g->part)) {
		case BODY_OPEN: return;
		case BODY_DONE: leave_part(g); break;
		case BODY_FAILED: fail(g, 502, "a part broke off"); break;
		}
	}
	if (g->out && g->at == g->end) {
		body_end(&g->out->body, BODY_DONE);
		finish(g);
	}
}

static void
on_wake(struct wake *w)
{
	struct gather *g = container_of(w, struct gather, wake);

	if (body_orphaned(&g->out->body)) {
		fail(g, 499, "nobody reads this any more");
		return;
	}
	run(g);
}

static void
on_progress(struct reader *r)
{
	wake_post(&container_of(r, struct gather, part.reader)->wake);
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct gather, tap)->wake);
}

/* --- its beginning -------------------------------------------------------- */

static void
describe(struct gather *g, bool part, struct range range)
{
	uint64_t length = segment_length(g->manifest);
	struct buf fields = {0};
	struct response r;

	object_response(g->manifest, &r);
	r.length = (int64_t)(g->end - g->at);
	if (part) {
		r.status = 206;
		buf_str(&fields, r.fields);
		buf_z(&fields, "Content-Range: ");
		range_put_content(range, length, &fields);
		buf_z(&fields, "\r\n");
		r.fields = buf_view(&fields);
	}
	flight_ready(g->out, &r);
	buf_fini(&fields);
}

struct flight *
gather_start(struct exchange *x, struct object *manifest)
{
	struct validators v = validators_of_fields(object_fields(manifest));
	struct gather *g = NEW(struct gather);
	struct flight *out = flight_new(&x->worker->node->flight);
	struct range range;
	bool part = is_part(x, &v, segment_length(manifest), &range);

	g->worker = x->worker;
	list_push_back(&x->worker->gathers, &g->link);
	g->manifest = object_ref(manifest);
	g->asker = x;
	g->out = flight_ref(out);
	g->grave.bury = bury;
	g->part.reader.on_progress = on_progress;
	g->tap.on_consumed = on_consumed;
	wake_init(&g->wake, x->worker->loop, on_wake);
	body_set_tap(&out->body, &g->tap);
	g->at = range.first;
	g->end = range.last + 1;
	describe(g, part, range);
	/* Of what is not a part none may be sent: see is_part(). */
	if (!part &&
		(x->head.method == METHOD_HEAD ||
			shape_is_empty(x, &v, segment_length(manifest))))
		g->at = g->end;
	wake_post(&g->wake);
	return out;
}

void
gather_abort_all(struct worker *w)
{
	while (!list_empty(&w->gathers))
		fail(container_of(w->gathers.next, struct gather, link), 503,
			"shutting down");
}
