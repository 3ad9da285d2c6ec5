#include "proxy/fetch.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/cachectl.h"
#include "http/upgrade.h"
#include "proxy/dial.h"
#include "proxy/incoming.h"
#include "proxy/origin.h"
#include "proxy/outgoing.h"
#include "proxy/tunnel.h"

enum {
	INTERIM_MAX = 32,   /* 1xx heads before the final one */
	CONTINUE_MS = 1000, /* for the origin to want a body that is held */
};

enum fetch_state { FETCH_DIAL, FETCH_HEAD, FETCH_BODY };

struct fetch {
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->fetches */
	struct grave grave;
	enum fetch_state state;
	struct flight *flight; /* counted; we write it */
	struct asker *asker;   /* borrowed; NULL: he has left */
	bool for_cache;
	bool boarding;	    /* the flight is in the store: others may join */
	enum method method; /* as the origin was asked */

	struct dial dial;
	struct upstream *up; /* owned while in use; connected */
	bool reusable;	     /* the connection, once the response is read */
	unsigned interim;    /* 1xx heads so far */
	struct timer timer;  /* from the connection on: nothing came or went
				for so long */
	int64_t asked_at_s;  /* wall clock */

	struct outgoing request;
	struct intake intake; /* of the response */
	struct tap tap;
	struct wake wake; /* room again, nobody reads, more upload */
};

static void
bury(struct grave *g)
{
	struct fetch *f = container_of(g, struct fetch, grave);

	outgoing_fini(&f->request);
	intake_fini(&f->intake);
	free(f);
}

/* The flight has been ended. */
static void
finish(struct fetch *f, bool reusable)
{
	struct upstream *up = take_ptr(&f->up);

	if (up && reusable)
		upstream_put(up);
	else
		upstream_close(up);
	dial_stop(&f->dial);
	loop_disarm(f->worker->loop, &f->timer);
	asker_leave(f->asker);
	outgoing_leave_upload(&f->request);
	wake_cancel(&f->wake);
	flight_unref(take_ptr(&f->flight));
	list_remove(&f->link);
	loop_bury(f->worker->loop, &f->grave);
}

/* Nobody else gets it. */
static void
depart(struct fetch *f)
{
	if (f->boarding)
		store_depart(f->worker->node->store, f->flight);
	f->boarding = false;
}

/* status: for clients that have seen no head yet. */
static void
fail(struct fetch *f, unsigned status, const char *why)
{
	depart(f);
	if (status >= 500)
		log_info("origin_failed origin=%s status=%u why=\"%s\" key=%s",
			dial_text(&f->dial).z, status, why,
			log_quote(flight_key(f->flight)).z);
	flight_fail(f->flight, status, why);
	finish(f, false);
}

static void
complete(struct fetch *f)
{
	intake_end(&f->intake, f->flight);
	if (f->boarding)
		store_keep(f->worker->node->store, f->flight);
	f->boarding = false;
	finish(f,
		f->reusable && f->request.done && !buf_len(&f->request.behind));
}

/* The origin has so long for its head, and then between two parts of its
 * body; less to say that it wants a body that is held. */
static void
arm(struct fetch *f)
{
	const struct node_config *config = f->worker->node->config;
	uint64_t ns = f->state == FETCH_BODY ? config->between_timeout_ns
					     : config->first_byte_timeout_ns;

	if (f->state == FETCH_HEAD && outgoing_is_held(&f->request))
		ns = CONTINUE_MS * NS_PER_MS;
	loop_arm(f->worker->loop, &f->timer, ns);
}

/* What may be sent twice, when its connection ends before an answer (RFC 9110,
 * 9.2.2). */
static bool
may_repeat(const struct fetch *f)
{
	switch (f->method) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
	case METHOD_PUT:
	case METHOD_DELETE: break;
	default: return false;
	}
	return !f->request.upload && !f->interim && !buf_len(&f->up->in);
}

/* The connection ended before the answer's head. */
static void
dead(struct fetch *f, const char *why)
{
	bool again = may_repeat(f);

	dial_dead(&f->dial, 502, why);
	if (!again) {
		fail(f, 502, why);
		return;
	}
	count(&f->worker->counters.origin_retries, 1);
	upstream_close(take_ptr(&f->up));
	loop_disarm(f->worker->loop, &f->timer);
	f->state = FETCH_DIAL;
	outgoing_rewind(&f->request);
	dial_again(&f->dial);
}

/* What there is of the request. wanted: its body need not wait any more. */
static void
send_more(struct fetch *f, bool wanted)
{
	bool was_held = outgoing_is_held(&f->request);

	if (wanted)
		outgoing_release(&f->request);
	if (outgoing_send(&f->request, f->up) ||
		outgoing_is_held(&f->request) != was_held)
		arm(f);
}

/* --- the response -------------------------------------------------------- */

/* What may be kept, and whether others may have it. */
static void
judge(struct fetch *f, const struct head *h, struct response *out)
{
	const struct node_config *config = f->worker->node->config;
	int64_t now_s = loop_wall_s(f->worker->loop);
	struct head request;
	struct freshness fresh;

	out->why_not = "not for the cache";
	if (!f->for_cache)
		return;
	out->why_not = "request too large";
	if (head_parse_own_request(buf_view(&f->request.head), &request) !=
		HEAD_DONE)
		return;
	cachectl_freshness(
		&(struct cachectl_event){
			.request = &request,
			.response = h,
			.asked_at_s = f->asked_at_s,
			.arrived_at_s = now_s,
		},
		&fresh);
	/* What needs a look before each use is not kept yet. */
	if (fresh.storable &&
		(fresh.no_cache || fresh.lifetime_s <= fresh.initial_age_s))
		fresh = (struct freshness){.why_not = "stale on arrival"};
	if (fresh.storable && head_find(h, FIELD_VARY))
		fresh = (struct freshness){.why_not = "Vary"};
	out->why_not = fresh.storable ? NULL : fresh.why_not;
	out->fresh = cachectl_keep(&fresh);
	out->born_s = now_s - fresh.initial_age_s;
	if (!out->why_not && f->intake.frame.kind == FRAME_LENGTH &&
		f->intake.frame.length > config->object_max_bytes)
		out->why_not = "too large";
}

static void
accept_head(struct fetch *f, const struct head *h)
{
	struct flight *flight = f->flight;
	struct response r = {.status = h->status, .length = -1};
	const struct field *length = head_find(h, FIELD_CONTENT_LENGTH);
	struct buf fields = {0}, withheld = {0};
	uint64_t n;

	judge(f, h, &r);
	if (f->intake.frame.kind == FRAME_LENGTH)
		r.length = (int64_t)f->intake.frame.length;
	else if (f->method == METHOD_HEAD && length &&
		str_u64(length->value, INT64_MAX, &n) == 0)
		r.length = (int64_t)n;
	if (r.why_not) {
		forward_fields(h, FORWARD_ALL, &fields);
		r.fields = buf_view(&fields);
	} else {
		forward_fields(h, FORWARD_KEPT, &fields);
		forward_fields(h, FORWARD_WITHHELD, &withheld);
		r.fields = buf_view(&fields);
		r.withheld = buf_view(&withheld);
	}
	if (r.why_not && f->boarding) {
		depart(f);
		flight->private_ = true;
		atomic_store(&flight->body.transient, true);
		wake_post(&f->wake); /* perhaps nobody reads it */
	}
	f->state = FETCH_BODY;
	arm(f);
	dial_answered(&f->dial);
	flight_ready(flight, &r);
	buf_fini(&fields);
	buf_fini(&withheld);
}

/* Both connections are a tunnel from now on. */
static void
become_tunnel(struct fetch *f, unsigned status, struct str fields)
{
	struct asker *asker = f->asker;
	struct response r = {.status = status,
		.fields = fields,
		.length = 0,
		.why_not = "a tunnel"};

	if (!asker) {
		fail(f, 499, "nobody wants this any more");
		return;
	}
	dial_answered(&f->dial);
	asker->on_tunnel(asker, tunnel_new(take_ptr(&f->up)));
	flight_ready(f->flight, &r);
	body_end(&f->flight->body, BODY_DONE);
	finish(f, false);
}

static void
accept_switch(struct fetch *f, const struct head *h)
{
	struct head request;
	struct buf fields = {0};

	if (head_parse_own_request(buf_view(&f->request.head), &request) !=
			HEAD_DONE ||
		!upgrade_is_chosen(h, &request)) {
		fail(f, 502, "the origin switched protocols unasked");
		return;
	}
	forward_switch(h, &fields);
	buf_consume(&f->up->in, h->bytes);
	become_tunnel(f, h->status, buf_view(&fields));
	buf_fini(&fields);
}

/* Of the origin's, or a 100 of ours when it is silent. */
static void
tell_interim(struct fetch *f, const struct head *h)
{
	struct buf text = {0};

	if (!f->asker)
		return;
	forward_interim(h, f->worker->node->via, &text);
	f->asker->on_interim(f->asker, h->status, buf_view(&text));
	buf_fini(&text);
}

/* False when there have been too many. */
static bool
accept_interim(struct fetch *f, const struct head *h)
{
	if (++f->interim > INTERIM_MAX) {
		fail(f, 502, "the origin sends interim answers without end");
		return false;
	}
	tell_interim(f, h);
	buf_consume(&f->up->in, h->bytes);
	send_more(f, h->status == 100);
	return true;
}

static bool
await_head(struct fetch *f)
{
	switch (incoming_more(f->up)) {
	case INCOMING_SOME: return true;
	case INCOMING_WAIT: return false;
	default: break;
	}
	dead(f,
		buf_len(&f->up->in) ? "the origin closed in its head"
				    : "the origin closed before it answered");
	return false;
}

/* True when there is more to do at once. */
static bool
step_head(struct fetch *f)
{
	struct buf *in = &f->up->in;
	const char *why = NULL;
	struct frame frame;
	struct head h;

	switch (head_parse_response(buf_view(in), &h)) {
	case HEAD_DONE: break;
	case HEAD_MORE: return await_head(f);
	default: fail(f, 502, h.error); return false;
	}
	if (h.status == 101) {
		accept_switch(f, &h);
		return false;
	}
	if (h.status < 200)
		return accept_interim(f, &h);
	if (frame_of_response(&h, f->method, &frame, &why) != FRAME_OK) {
		fail(f, 502, why);
		return false;
	}
	f->reusable = head_keep_alive(&h) && frame.kind != FRAME_CLOSE;
	intake_init(&f->intake, frame, &h);
	accept_head(f, &h);
	buf_consume(in, h.bytes);
	return true;
}

static void
grown(struct fetch *f)
{
	struct node *n = f->worker->node;

	if (!f->boarding)
		return;
	if (body_filled(&f->flight->body) > n->config->object_max_bytes) {
		depart(f);
		body_release(&f->flight->body);
		wake_post(&f->wake); /* perhaps nobody reads it */
	}
	store_trim(n->store);
}

static bool
step_body(struct fetch *f)
{
	struct intake *i = &f->intake;

	switch (incoming_body(i, f->up, &f->flight->body)) {
	case INCOMING_WAIT: break;
	case INCOMING_SOME:
		arm(f);
		grown(f);
		return true;
	case INCOMING_END: complete(f); break;
	case INCOMING_BAD: fail(f, 502, i->chunks.error); break;
	case INCOMING_CUT:
		fail(f, 502, "the origin closed in the middle of the body");
		break;
	}
	return false;
}

static bool
step(struct fetch *f)
{
	return f->state == FETCH_HEAD ? step_head(f) : step_body(f);
}

/* --- its course ---------------------------------------------------------- */

static void
run(struct fetch *f)
{
	send_more(f, false);
	while (f->flight && step(f))
		;
}

/* Is it the client who keeps us waiting: who sends nothing, or takes nothing?
 * That is his connection's business. */
static bool
awaits_client(struct fetch *f)
{
	if (f->state == FETCH_BODY)
		return body_window(&f->flight->body) == 0;
	return f->up && outgoing_awaits_client(&f->request);
}

/* The origin does not say whether it wants the body: many don't know how. */
static void
stop_holding(struct fetch *f)
{
	tell_interim(f, &(struct head){.status = 100});
	send_more(f, true);
	run(f);
}

static void
on_timer(struct timer *t)
{
	struct fetch *f = container_of(t, struct fetch, timer);

	if (f->state == FETCH_HEAD && outgoing_is_held(&f->request)) {
		stop_holding(f);
		return;
	}
	if (awaits_client(f)) {
		arm(f);
		return;
	}
	if (f->state == FETCH_BODY) {
		fail(f, 504, "the origin stalled in the body");
		return;
	}
	dial_silent(&f->dial, "the origin took too long to answer");
	fail(f, 504, "the origin took too long to answer");
}

static void
on_wake(struct wake *w)
{
	struct fetch *f = container_of(w, struct fetch, wake);
	const struct flight *upload = f->request.upload;

	if (body_orphaned(&f->flight->body)) {
		flight_fail(f->flight, 499, "nobody reads this any more");
		finish(f, false);
		return;
	}
	if (upload && body_state(&upload->body) == BODY_FAILED &&
		f->state != FETCH_BODY) {
		fail(f, upload->error_status, upload->error);
		return;
	}
	if (f->up)
		run(f);
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct fetch, tap)->wake);
}

static void
on_upload(struct reader *r)
{
	wake_post(&container_of(r, struct fetch, request.reader)->wake);
}

static void
on_io(void *user)
{
	run(user);
}

static void
on_connected(void *user, struct upstream *up)
{
	struct fetch *f = user;

	f->up = up;
	up->user = f;
	up->on_io = on_io;
	if (f->method == METHOD_CONNECT) {
		become_tunnel(f, 200, STR(""));
		return;
	}
	f->state = FETCH_HEAD;
	arm(f);
	run(f);
}

static void
on_failed(void *user, unsigned status, const char *why)
{
	fail(user, status, why);
}

/* Where the request goes. */
static struct dial_target
target_of(const struct exchange *x)
{
	const struct node *n = x->worker->node;
	size_t i;

	if (!x->route.site)
		return (struct dial_target){.host = x->route.origin_host,
			.port = x->route.origin_port,
			.fresh = x->head.method == METHOD_CONNECT};
	i = (size_t)(x->route.site - n->config->sites);
	return (struct dial_target){
		.origins = &n->origins[i], .turns = x->worker->turns[i]};
}

void
fetch_start(struct exchange *x, bool for_cache)
{
	struct worker *w = x->worker;
	struct dial_target to = target_of(x);
	struct fetch *f = NEW(struct fetch);

	f->worker = w;
	f->grave.bury = bury;
	list_push_back(&w->fetches, &f->link);
	f->flight = flight_ref(x->flight);
	f->for_cache = f->boarding = for_cache;
	f->method = for_cache ? METHOD_GET : x->head.method;
	f->dial.user = f;
	f->dial.on_connected = on_connected;
	f->dial.on_failed = on_failed;
	f->timer.on_timer = on_timer;
	f->tap.on_consumed = on_consumed;
	wake_init(&f->wake, w->loop, on_wake);
	body_set_tap(&f->flight->body, &f->tap);
	asker_join(&x->asker, &f->asker);
	f->asked_at_s = loop_wall_s(w->loop);
	if (f->method != METHOD_CONNECT)
		outgoing_init(&f->request, x,
			for_cache ? TO_ORIGIN_FOR_CACHE : TO_ORIGIN, on_upload);
	count(&w->counters.origin_fetches, 1);
	dial_start(&f->dial, w, &to);
}

void
fetch_abort_all(struct worker *w)
{
	while (!list_empty(&w->fetches))
		fail(container_of(w->fetches.next, struct fetch, link), 503,
			"shutting down");
}
