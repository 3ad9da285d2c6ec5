#include "proxy/fetch.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/cachectl.h"
#include "http/upgrade.h"
#include "http/vary.h"
#include "proxy/dial.h"
#include "proxy/heed.h"
#include "proxy/incoming.h"
#include "proxy/judge.h"
#include "proxy/origin.h"
#include "proxy/outgoing.h"
#include "proxy/segment.h"
#include "proxy/tunnel.h"

enum {
	INTERIM_MAX = 32,   /* 1xx heads before the final one */
	CONTINUE_MS = 1000, /* for the origin to want a body that is held */
	NO_PARTS_S = 600,   /* for so long an origin is not asked for parts
			       again that has sent the whole instead */
	MARK_S = 10,	    /* after an answer that others can't share, for so
			       long nobody waits for another's */
};

enum fetch_state { FETCH_DIAL, FETCH_HEAD, FETCH_BODY };

struct fetch {
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->fetches */
	struct grave grave;
	enum fetch_state state;
	struct flight *flight; /* counted; we write it */
	struct asker *asker;   /* borrowed; NULL: he has left */
	enum fetch_mode mode;
	bool keep;		  /* it is going to be stored, as it looks */
	struct object *stale;	  /* counted: what we validate; or NULL */
	bool conditional;	  /* we asked for a 304, if stale is good */
	struct range part;	  /* FETCH_PART */
	uint64_t complete_length; /* ... of what it is part of; 0: none */
	struct cachectl asked;
	enum method method; /* as the origin was asked */
	char *key;	    /* owned */

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
	free(f->key);
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
	object_unref(take_ptr(&f->stale));
	list_remove(&f->link);
	loop_bury(f->worker->loop, &f->grave);
}

/* Nobody else gets it. */
static void
depart(struct fetch *f)
{
	if (f->mode != FETCH_PASS)
		store_depart(f->worker->node->store, f->flight);
	f->keep = false;
}

/* The origin has failed before its head: what is stored may do in its place
 * (RFC 5861, 4). status: what it said; 0: nothing. */
static bool
rescue(struct fetch *f, unsigned status)
{
	int64_t now_s = loop_wall_s(f->worker->loop);

	if (!f->stale || f->state == FETCH_BODY)
		return false;
	if (!cachectl_usable_on_error(&f->asked, &f->stale->fresh,
		    object_age_s(f->stale, now_s))) {
		flight_offer(f->flight, object_ref(f->stale), status);
		return false;
	}
	count(&f->worker->counters.rescued, 1);
	depart(f);
	flight_instead(f->flight, object_ref(f->stale), status);
	finish(f, false);
	return true;
}

/* status: for clients that have seen no head yet. */
static void
fail(struct fetch *f, unsigned status, const char *why)
{
	if (status >= 500)
		log_info("origin_failed origin=%s status=%u why=\"%s\" key=%s",
			dial_text(&f->dial).z, status, why,
			log_quote(str_z(f->key)).z);
	if (status >= 500 && rescue(f, 0))
		return;
	depart(f);
	flight_fail(f->flight, status, why);
	finish(f, false);
}

static void
complete(struct fetch *f)
{
	intake_end(&f->intake, f->flight);
	if (f->keep)
		store_keep(f->worker->node->store, f->flight);
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

/* Those of RFC 5861, 4. */
static bool
is_failure(unsigned status)
{
	return status == 500 || (status >= 502 && status <= 504);
}

static struct judge_case
case_of(const struct fetch *f, const struct head *h)
{
	return (struct judge_case){
		.request = buf_view(&f->request.head),
		.response = h,
		.frame = f->intake.frame,
		.asked_at_s = f->asked_at_s,
		.arrived_at_s = loop_wall_s(f->worker->loop),
		.object_max_bytes = f->worker->node->config->object_max_bytes,
	};
}

/* Not for the cache, hence for whoever asked first only. for_all: it will be
 * the same for others, who need not wait for one another. */
static void
make_private(struct fetch *f, bool for_all)
{
	struct store *store = f->worker->node->store;

	if (for_all && f->stale)
		store_remove(store, f->stale);
	if (for_all)
		store_mark(store, flight_key(f->flight),
			loop_wall_s(f->worker->loop), MARK_S);
	depart(f);
	f->flight->private_ = true;
	atomic_store(&f->flight->body.transient, true);
	wake_post(&f->wake); /* perhaps nobody reads it */
}

/* Stored from now on, for those whom its Vary selects. */
static bool
make_shared(struct fetch *f, const struct head *h)
{
	struct buf selector = {0};
	struct head request;
	bool fits = head_parse_own_request(buf_view(&f->request.head),
			    &request) == HEAD_DONE &&
		vary_make(&request, h, &selector);

	if (fits)
		store_select(
			f->worker->node->store, f->flight, buf_view(&selector));
	buf_fini(&selector);
	return fits;
}

static void
judge_head(struct fetch *f, const struct head *h, struct response *out)
{
	struct judge_case c = case_of(f, h);
	struct judgement j;

	judge(&c, &j);
	if (!j.response.why_not && !make_shared(f, h))
		j.response.why_not = "Vary";
	/* A failure says nothing about what is stored. */
	if (j.response.why_not)
		make_private(
			f, j.for_all && !(f->stale && is_failure(h->status)));
	*out = j.response;
}

/* It is no part, so it is the answer for the whole. Of an origin that does no
 * ranges others ask for the whole at once, for a while. */
static void
become_whole(struct fetch *f, unsigned status)
{
	struct store *s = f->worker->node->store;
	int64_t now_s = loop_wall_s(f->worker->loop);
	struct buf key = {0};

	segment_put_manifest_key(str_z(f->key), &key);
	if (status == 200)
		store_mark(s, buf_view(&key), now_s, NO_PARTS_S);
	buf_fini(&key);
	f->mode = FETCH_KEEP;
	store_rename(s, f->flight, str_z(f->key));
}

static void
judge_part(struct fetch *f, const struct head *h, struct response *out)
{
	struct store *s = f->worker->node->store;
	struct judge_case c = case_of(f, h);
	struct judgement j;
	uint64_t length;

	segment_judge(&c, f->part, &j, &length);
	*out = j.response;
	if (!out->why_not) {
		f->complete_length = length;
		return;
	}
	if (h->status == 206) /* others' ranges are passed on at once */
		store_mark(s, str_z(f->key), c.arrived_at_s, MARK_S);
	make_private(f, false);
}

/* As the head says, of a response to HEAD as well. */
static int64_t
length_of(const struct fetch *f, const struct head *h)
{
	const struct field *field = head_find(h, FIELD_CONTENT_LENGTH);
	uint64_t n;

	if (f->intake.frame.kind == FRAME_LENGTH)
		return (int64_t)f->intake.frame.length;
	if (f->method == METHOD_HEAD && field &&
		str_u64(field->value, INT64_MAX, &n) == 0)
		return (int64_t)n;
	return -1;
}

static void
accept_head(struct fetch *f, const struct head *h)
{
	struct response r = {
		.status = h->status, .why_not = "not for the cache"};
	struct buf fields = {0}, withheld = {0};

	if (f->mode == FETCH_PART && h->status != 206 && h->status != 416)
		become_whole(f, h->status);
	if (f->mode == FETCH_KEEP)
		judge_head(f, h, &r);
	else if (f->mode == FETCH_PART)
		judge_part(f, h, &r);
	r.length = length_of(f, h);
	forward_fields(h, r.why_not ? FORWARD_ALL : FORWARD_KEPT, &fields);
	if (!r.why_not)
		forward_fields(h, FORWARD_WITHHELD, &withheld);
	r.fields = buf_view(&fields);
	r.withheld = buf_view(&withheld);
	f->state = FETCH_BODY;
	arm(f);
	dial_answered(&f->dial);
	if (f->complete_length)
		segment_store_manifest(f->worker->node->store, f->flight,
			str_z(f->key), &r, f->complete_length);
	flight_ready(f->flight, &r);
	buf_fini(&fields);
	buf_fini(&withheld);
}

/* The origin confirms what we don't have: we ask for all of it. */
static void
ask_whole(struct fetch *f)
{
	store_remove(f->worker->node->store, f->stale);
	object_unref(take_ptr(&f->stale));
	outgoing_drop_conditions(&f->request);
	f->conditional = false;
	f->asked_at_s = loop_wall_s(f->worker->loop);
	if (f->reusable) {
		arm(f);
		send_more(f, false);
		return;
	}
	upstream_close(take_ptr(&f->up));
	loop_disarm(f->worker->loop, &f->timer);
	f->state = FETCH_DIAL;
	dial_more(&f->dial);
}

/* What is stored is good still. False when it was not about that. */
static bool
accept_not_modified(struct fetch *f, const struct head *h)
{
	struct store *store = f->worker->node->store;
	struct judge_case c = case_of(f, h);
	enum judge_renewal renewal = RENEWAL_NONE;
	struct object *o;

	if (judge_confirms(&c, f->stale))
		renewal = judge_renew(&c, f->stale, &o);
	switch (renewal) {
	case RENEWAL_NONE: return false;
	case RENEWAL_KEEP:
		store_renew(store, f->flight, f->stale, object_ref(o));
		break;
	case RENEWAL_DROP: store_remove(store, f->stale); break;
	case RENEWAL_ONCE: break;
	}
	f->flight->private_ = renewal != RENEWAL_KEEP;
	count(&f->worker->counters.validated, 1);
	depart(f);
	flight_instead(f->flight, o, h->status);
	finish(f, f->reusable);
	return true;
}

static void
heed(struct fetch *f, const struct head *h)
{
	struct judge_case c = case_of(f, h);

	if (f->method == METHOD_HEAD && h->status == 200)
		heed_head(f->worker, str_z(f->key), &c);
	else if (!method_is_safe(f->method))
		heed_unsafe(f->worker, f->method, str_z(f->key), h);
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
	if (h.status == 304 && f->mode != FETCH_PASS) {
		buf_consume(in, h.bytes);
		dial_answered(&f->dial);
		if (!f->conditional)
			fail(f, 502, "the origin answers 304 unasked");
		else if (!accept_not_modified(f, &h))
			ask_whole(f);
		return f->up;
	}
	if (is_failure(h.status) && rescue(f, h.status))
		return false;
	if (f->mode == FETCH_PASS)
		heed(f, &h);
	accept_head(f, &h);
	buf_consume(in, h.bytes);
	return true;
}

static void
grown(struct fetch *f)
{
	struct node *n = f->worker->node;

	if (!f->keep)
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

/* What the fetch adds to the request. */
static void
write_request(struct fetch *f, const struct exchange *x)
{
	enum forward_to to =
		f->mode == FETCH_PASS ? TO_ORIGIN : TO_ORIGIN_FOR_CACHE;
	struct buf more = {0};

	if (f->mode == FETCH_PART)
		buf_printf(&more, "Range: bytes=%llu-%llu\r\n",
			(unsigned long long)f->part.first,
			(unsigned long long)f->part.last);
	if (f->stale)
		f->conditional = judge_conditions(f->stale, &more);
	outgoing_init(&f->request, x, to, buf_view(&more), on_upload);
	buf_fini(&more);
}

static struct fetch *
fetch_new(struct worker *w, struct flight *flight)
{
	struct fetch *f = NEW(struct fetch);

	f->worker = w;
	f->grave.bury = bury;
	f->dial.user = f;
	f->dial.on_connected = on_connected;
	f->dial.on_failed = on_failed;
	f->timer.on_timer = on_timer;
	f->tap.on_consumed = on_consumed;
	wake_init(&f->wake, w->loop, on_wake);
	list_push_back(&w->fetches, &f->link);
	f->flight = flight_ref(flight);
	body_set_tap(&flight->body, &f->tap);
	return f;
}

void
fetch_start(struct exchange *x, const struct fetch_order *order)
{
	struct worker *w = x->worker;
	struct dial_target to = target_of(x);
	struct fetch *f = fetch_new(w, order->flight);

	f->mode = order->mode;
	f->keep = order->mode != FETCH_PASS;
	f->stale = order->stale ? object_ref(order->stale) : NULL;
	f->part = order->part;
	f->asked = x->asked;
	f->key = xstrndup(x->route.key.p, x->route.key.n);
	f->method = f->keep ? METHOD_GET : x->head.method;
	if (order->flight == x->flight)
		asker_join(&x->asker, &f->asker);
	f->asked_at_s = loop_wall_s(w->loop);
	if (f->method != METHOD_CONNECT)
		write_request(f, x);
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
