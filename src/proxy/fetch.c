#include "proxy/fetch.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "proxy/fetch_internal.h"
#include "proxy/incoming.h"
#include "proxy/judge.h"
#include "proxy/origin.h"

enum { CONTINUE_MS = 1000 }; /* for the origin to want a body that is held */

/* --- its ends ------------------------------------------------------------- */

static void
bury(struct grave *g)
{
	struct fetch *f = container_of(g, struct fetch, grave);

	outgoing_fini(&f->request);
	intake_fini(&f->intake);
	free(f->key);
	free(f);
}

void
fetch_finish(struct fetch *f, bool reusable)
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

void
fetch_depart(struct fetch *f)
{
	if (f->mode != FETCH_PASS)
		store_depart(f->worker->node->store, f->flight);
	f->keep = false;
}

bool
fetch_rescue(struct fetch *f, unsigned status)
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
	fetch_depart(f);
	flight_instead(f->flight, object_ref(f->stale), status);
	fetch_finish(f, false);
	return true;
}

void
fetch_fail(struct fetch *f, unsigned status, const char *why)
{
	if (status >= 500)
		log_info("origin_failed origin=%s status=%u why=\"%s\" key=%s",
			dial_text(&f->dial).z, status, why,
			log_quote(str_z(f->key)).z);
	if (status >= 500 && fetch_rescue(f, 0))
		return;
	fetch_depart(f);
	flight_fail(f->flight, status, why);
	fetch_finish(f, false);
}

static void
complete(struct fetch *f)
{
	intake_end(&f->intake, f->flight);
	if (f->keep)
		store_keep(f->worker->node->store, f->flight);
	fetch_finish(f,
		f->reusable && f->request.done && !buf_len(&f->request.behind));
}

/* --- its connection ------------------------------------------------------- */

void
fetch_arm(struct fetch *f)
{
	const struct node_config *config = f->worker->node->config;
	uint64_t ns = f->state == FETCH_BODY ? config->between_timeout_ns
					     : config->first_byte_timeout_ns;

	if (f->state == FETCH_HEAD && outgoing_is_held(&f->request))
		ns = CONTINUE_MS * NS_PER_MS;
	loop_arm(f->worker->loop, &f->timer, ns);
}

void
fetch_hang_up(struct fetch *f)
{
	upstream_close(take_ptr(&f->up));
	loop_disarm(f->worker->loop, &f->timer);
	f->state = FETCH_DIAL;
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

void
fetch_dead(struct fetch *f, const char *why)
{
	bool again = may_repeat(f);

	dial_dead(&f->dial, 502, why);
	if (!again) {
		fetch_fail(f, 502, why);
		return;
	}
	count(&f->worker->counters.origin_retries, 1);
	fetch_hang_up(f);
	outgoing_rewind(&f->request);
	dial_again(&f->dial);
}

void
fetch_send_more(struct fetch *f, bool wanted)
{
	bool was_held = outgoing_is_held(&f->request);

	if (wanted)
		outgoing_release(&f->request);
	if (outgoing_send(&f->request, f->up) ||
		outgoing_is_held(&f->request) != was_held)
		fetch_arm(f);
}

/* --- its course ----------------------------------------------------------- */

/* Has it become too much to keep? */
static void
grown(struct fetch *f)
{
	struct node *n = f->worker->node;
	struct body *body = &f->flight->body;

	if (!f->keep)
		return;
	store_trim(n->store);
	if (body_filled(body) <= n->config->object_max_bytes &&
		(!store_is_full(n->store) || body_is_shared(body)))
		return;
	fetch_depart(f);
	body_release(body);
	wake_post(&f->wake); /* perhaps nobody reads it */
}

static bool
step_body(struct fetch *f)
{
	struct intake *i = &f->intake;

	switch (incoming_body(i, f->up, &f->flight->body)) {
	case INCOMING_WAIT: break;
	case INCOMING_SOME:
		fetch_arm(f);
		grown(f);
		return true;
	case INCOMING_END: complete(f); break;
	case INCOMING_BAD: fetch_fail(f, 502, i->chunks.error); break;
	case INCOMING_CUT:
		fetch_fail(
			f, 502, "the origin closed in the middle of the body");
		break;
	}
	return false;
}

static bool
step(struct fetch *f)
{
	return f->state == FETCH_HEAD ? fetch_step_head(f) : step_body(f);
}

static void
run(struct fetch *f)
{
	fetch_send_more(f, false);
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
	fetch_tell_interim(f, &(struct head){.status = 100});
	fetch_send_more(f, true);
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
		fetch_arm(f);
		return;
	}
	if (f->state == FETCH_BODY) {
		fetch_fail(f, 504, "the origin stalled in the body");
		return;
	}
	dial_silent(&f->dial, "the origin took too long to answer");
	fetch_fail(f, 504, "the origin took too long to answer");
}

static void
on_wake(struct wake *w)
{
	struct fetch *f = container_of(w, struct fetch, wake);
	const struct flight *upload = f->request.upload;

	if (body_orphaned(&f->flight->body)) {
		flight_fail(f->flight, 499, "nobody reads this any more");
		fetch_finish(f, false);
		return;
	}
	if (upload && body_state(&upload->body) == BODY_FAILED &&
		f->state != FETCH_BODY) {
		fetch_fail(f, upload->error_status, upload->error);
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
		fetch_become_tunnel(f, 200, STR(""));
		return;
	}
	f->state = FETCH_HEAD;
	fetch_arm(f);
	run(f);
}

static void
on_failed(void *user, unsigned status, const char *why)
{
	fetch_fail(user, status, why);
}

/* --- its start ------------------------------------------------------------ */

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
		fetch_fail(container_of(w->fetches.next, struct fetch, link),
			503, "shutting down");
}
