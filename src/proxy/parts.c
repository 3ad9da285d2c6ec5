#include "proxy/parts.h"

#include "proxy/exchange.h"
#include "proxy/fill.h"
#include "proxy/gather.h"
#include "proxy/lookup.h"
#include "proxy/segment.h"

/* From the parts of m's response. */
static void
gather_from(struct exchange *x, struct object *m)
{
	struct counters *c = &x->worker->counters;
	bool stored = gather_is_stored(x, m);

	x->why = WHY_PARTIAL;
	lookup_tally(x, stored ? &c->hits : &c->misses, 1);
	(void)exchange_read_flight(
		x, gather_start(x, m), stored ? FROM_HIT : FROM_MISS);
}

void
parts_go_on(struct exchange *x)
{
	enum exchange_from from = x->from;
	struct object *m;
	bool mark;

	m = x->flight->private_ ? NULL : gather_manifest(x, &mark);
	if (m)
		(void)exchange_read_flight(x, gather_start(x, m), from);
	else
		lookup_repass(x);
	object_unref(m);
}

/* Fetches the part in which the range begins, and sees. */
static void
board_part(struct exchange *x, uint64_t at)
{
	struct store *store = x->worker->node->store;
	struct buf key = {0};
	struct wanted w = {
		.request = &x->head, .now_s = loop_wall_s(x->worker->loop)};
	struct object *o;
	struct flight *f;
	bool others;

	segment_put_key(x->route.key, at, &key);
	w.key = buf_view(&key);
	o = store_find(store, &w, &others);
	switch (store_board(store, &w, o, &f)) {
	case STORE_STORED: lookup(x); break;
	case STORE_JOIN:
		if (lookup_would_wait(x, f)) {
			flight_unref(f);
			lookup_pass(x);
			break;
		}
		lookup_join(x, f);
		x->by_parts = x->from == FROM_JOIN;
		break;
	case STORE_BEGIN:
		(void)exchange_read_flight(x, f, FROM_MISS);
		x->by_parts = true;
		lookup_tally(x, &x->worker->counters.misses, 1);
		fill_or_fetch(x,
			&(struct fetch_order){.flight = f,
				.mode = FETCH_PART,
				.part = segment_around(at)});
		break;
	}
	object_unref(o);
	buf_fini(&key);
}

bool
parts_serve(struct exchange *x)
{
	bool ranged = x->head.method == METHOD_GET &&
		head_find(&x->head, FIELD_RANGE);
	bool mark, wants, suits;
	struct object *m;
	uint64_t at;

	wants = gather_wants(x, &at);
	m = gather_manifest(x, &mark);
	suits = m ? wants || !ranged : wants && !mark;
	if (x->asked.only_if_cached)
		suits = suits && m && gather_is_stored(x, m);
	if (suits && m)
		gather_from(x, m);
	else if (suits)
		board_part(x, at);
	object_unref(m);
	return suits;
}
