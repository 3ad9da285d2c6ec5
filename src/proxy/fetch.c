#include "proxy/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/cachectl.h"
#include "http/vary.h"
#include "proxy/dial.h"
#include "proxy/forward.h"
#include "proxy/heed.h"
#include "proxy/intake.h"
#include "proxy/judge.h"
#include "proxy/origin.h"

enum {
	READ_BYTES = 64 * 1024,
	INTERIM_MAX = 32, /* 1xx heads before the final one */
	MARK_S = 10,	  /* after an answer that others can't share, for so
			     long nobody waits for another's */
};

enum fetch_state { FETCH_DIAL, FETCH_HEAD, FETCH_BODY };

struct fetch {
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->fetches */
	struct grave grave;
	enum fetch_state state;
	struct flight *flight; /* counted; we write it */
	enum fetch_mode mode;
	bool keep;	      /* it is going to be stored, as it looks */
	struct object *stale; /* counted: what we validate; or NULL */
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

	struct buf request; /* all of the head; kept for a retry, and because
			       storing depends on it */
	size_t plain_bytes; /* of it, before the conditions that we added */
	size_t sent;
	struct flight *upload; /* counted; NULL: none */
	struct reader upload_reader;
	bool upload_chunked, upload_done;
	struct buf upload_out; /* chunks on their way */

	struct intake intake; /* of the response */
	struct tap tap;
	struct wake wake; /* room again, nobody reads, more upload */
};

static void
bury(struct grave *g)
{
	struct fetch *f = container_of(g, struct fetch, grave);

	buf_fini(&f->request);
	buf_fini(&f->upload_out);
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
	reader_detach(&f->upload_reader);
	wake_cancel(&f->wake);
	flight_unref(take_ptr(&f->upload));
	flight_unref(take_ptr(&f->flight));
	object_unref(take_ptr(&f->stale));
	list_remove(&f->link);
	loop_bury(f->worker->loop, &f->grave);
}

/* Nobody else gets it. */
static void
depart(struct fetch *f)
{
	if (f->mode == FETCH_KEEP)
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
	body_end(&f->flight->body, BODY_DONE);
	if (f->keep)
		store_keep(f->worker->node->store, f->flight);
	finish(f, f->reusable && f->upload_done);
}

/* The origin has so long for its head, and then between two parts of its
 * body. */
static void
arm(struct fetch *f)
{
	const struct node_config *config = f->worker->node->config;

	loop_arm(f->worker->loop, &f->timer,
		f->state == FETCH_BODY ? config->between_timeout_ns
				       : config->first_byte_timeout_ns);
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
	return !f->upload && !f->interim && !buf_len(&f->up->in);
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
	f->sent = 0;
	dial_again(&f->dial);
}

/* --- the request --------------------------------------------------------- */

static bool
send_some(struct fetch *f, const char *p, size_t n, size_t *sent)
{
	ssize_t r = send(f->up->io.fd, p, n, MSG_NOSIGNAL);

	if (r < 0) {
		/* Errors show up, with whatever the origin said before, when
		 * reading. */
		if (errno == EAGAIN)
			f->up->writable = false;
		return false;
	}
	*sent = (size_t)r;
	return true;
}

/* One step of the upload; false when there is nothing to do for now. */
static bool
send_upload(struct fetch *f)
{
	char head[CHUNK_HEAD_MAX];
	struct str s;
	size_t n;

	if (buf_len(&f->upload_out)) {
		if (!send_some(f, buf_head(&f->upload_out),
			    buf_len(&f->upload_out), &n))
			return false;
		buf_consume(&f->upload_out, n);
		return true;
	}
	if (reader_peek(&f->upload_reader, &s, 1)) {
		if (!f->upload_chunked) {
			if (!send_some(f, s.p, s.n, &n))
				return false;
			reader_advance(&f->upload_reader, n);
			return true;
		}
		buf_append(&f->upload_out, head, chunk_head(head, s.n));
		buf_str(&f->upload_out, s);
		buf_z(&f->upload_out, "\r\n");
		reader_advance(&f->upload_reader, s.n);
		return true;
	}
	if (body_state(&f->upload->body) != BODY_DONE)
		return false;
	if (f->upload_chunked)
		buf_z(&f->upload_out, "0\r\n\r\n");
	f->upload_chunked = false; /* said; next time round we are done */
	f->upload_done = buf_len(&f->upload_out) == 0;
	return !f->upload_done;
}

static void
pump_out(struct fetch *f)
{
	size_t n;

	while (f->up->writable && f->sent < buf_len(&f->request)) {
		if (!send_some(f, buf_head(&f->request) + f->sent,
			    buf_len(&f->request) - f->sent, &n))
			return;
		f->sent += n;
	}
	while (f->up->writable && !f->upload_done && send_upload(f))
		arm(f);
}

/* --- the response -------------------------------------------------------- */

/* Bytes into buffer or body: how many, 0 at the end, -EAGAIN, or an error. */
static ssize_t
receive(struct fetch *f, char *p, size_t n)
{
	ssize_t r = recv(f->up->io.fd, p, n, 0);

	if (r < 0) {
		r = -errno;
		if (r == -EAGAIN)
			f->up->readable = false;
		return r;
	}
	count(&f->worker->counters.origin_bytes, (uint64_t)r);
	if (f->state == FETCH_BODY)
		arm(f);
	return r;
}

static ssize_t
receive_into(struct fetch *f, struct buf *in)
{
	ssize_t r = receive(f, buf_reserve(in, READ_BYTES), READ_BYTES);

	if (r > 0)
		buf_commit(in, (size_t)r);
	return r;
}

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
		.request = buf_view(&f->request),
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
	bool fits = head_parse_own_request(buf_view(&f->request), &request) ==
			HEAD_DONE &&
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

	if (f->mode == FETCH_KEEP)
		judge_head(f, h, &r);
	r.length = length_of(f, h);
	forward_fields(h, r.why_not ? FORWARD_ALL : FORWARD_KEPT, &fields);
	if (!r.why_not)
		forward_fields(h, FORWARD_WITHHELD, &withheld);
	r.fields = buf_view(&fields);
	r.withheld = buf_view(&withheld);
	f->state = FETCH_BODY;
	arm(f);
	dial_answered(&f->dial);
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
	buf_truncate(&f->request, f->plain_bytes);
	buf_z(&f->request, "\r\n");
	f->sent = 0;
	f->asked_at_s = loop_wall_s(f->worker->loop);
	if (f->reusable) {
		arm(f);
		pump_out(f);
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

/* True when there is more to do at once. */
static bool
step_head(struct fetch *f)
{
	struct buf *in = &f->up->in;
	const char *why = NULL;
	struct frame frame;
	struct head h;
	ssize_t r;

	switch (head_parse_response(buf_view(in), &h)) {
	case HEAD_DONE: break;
	case HEAD_MORE:
		if (!f->up->readable)
			return false;
		r = receive_into(f, in);
		if (r > 0)
			return true;
		if (r == -EAGAIN)
			return false;
		dead(f,
			buf_len(in) ? "the origin closed in its head"
				    : "the origin closed before it answered");
		return false;
	default: fail(f, 502, h.error); return false;
	}
	if (h.status == 101) {
		fail(f, 502, "the origin switched protocols unasked");
		return false;
	}
	if (h.status < 200) {
		buf_consume(in, h.bytes);
		if (++f->interim <= INTERIM_MAX)
			return true;
		fail(f, 502, "the origin sends interim answers without end");
		return false;
	}
	if (frame_of_response(&h, f->method, &frame, &why) != FRAME_OK) {
		fail(f, 502, why);
		return false;
	}
	f->reusable = head_keep_alive(&h) && frame.kind != FRAME_CLOSE;
	intake_init(&f->intake, frame);
	if (h.status == 304 && f->stale) {
		buf_consume(in, h.bytes);
		dial_answered(&f->dial);
		if (!accept_not_modified(f, &h))
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

static void
cut(struct fetch *f)
{
	fail(f, 502, "the origin closed in the middle of the body");
}

/* Plain bytes go straight from the socket into the body. */
static bool
step_direct(struct fetch *f)
{
	struct body *body = &f->flight->body;
	size_t window = body_window(body), n;
	char *at;
	ssize_t r;

	if (window == 0 || !f->up->readable)
		return false;
	at = intake_room(&f->intake, body, &n);
	r = receive(f, at, n < window ? n : window);
	if (r > 0) {
		intake_commit(&f->intake, body, (size_t)r);
		grown(f);
		return true;
	}
	if (r == 0 && f->intake.frame.kind == FRAME_CLOSE)
		complete(f);
	else if (r != -EAGAIN)
		cut(f);
	return false;
}

static bool
await_chunks(struct fetch *f)
{
	ssize_t r;

	if (!f->up->readable)
		return false;
	r = receive_into(f, &f->up->in);
	if (r <= 0 && r != -EAGAIN)
		cut(f);
	return r > 0;
}

static bool
step_body(struct fetch *f)
{
	struct intake *i = &f->intake;

	switch (intake_take(i, &f->up->in, &f->flight->body)) {
	case INTAKE_FULL: return false;
	case INTAKE_MORE:
		return i->frame.kind == FRAME_CHUNKED ? await_chunks(f)
						      : step_direct(f);
	case INTAKE_SOME: grown(f); return true;
	case INTAKE_END: complete(f); return false;
	case INTAKE_BAD: fail(f, 502, i->chunks.error); return false;
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
	pump_out(f);
	while (f->flight && step(f))
		;
}

/* Is it the client who keeps us waiting: who sends nothing, or takes nothing?
 * That is his connection's business. */
static bool
awaits_client(struct fetch *f)
{
	struct str s;

	if (f->state == FETCH_BODY)
		return body_window(&f->flight->body) == 0;
	return f->up && !f->upload_done && !buf_len(&f->upload_out) &&
		!reader_peek(&f->upload_reader, &s, 1);
}

static void
on_timer(struct timer *t)
{
	struct fetch *f = container_of(t, struct fetch, timer);

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

	if (body_orphaned(&f->flight->body)) {
		flight_fail(f->flight, 499, "nobody reads this any more");
		finish(f, false);
		return;
	}
	if (f->upload && body_state(&f->upload->body) == BODY_FAILED &&
		f->state != FETCH_BODY) {
		fail(f, f->upload->error_status, f->upload->error);
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
	wake_post(&container_of(r, struct fetch, upload_reader)->wake);
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
			.port = x->route.origin_port};
	i = (size_t)(x->route.site - n->config->sites);
	return (struct dial_target){
		.origins = &n->origins[i], .turns = x->worker->turns[i]};
}

static void
write_request(struct fetch *f, const struct exchange *x)
{
	const struct field *length = head_find(&x->head, FIELD_CONTENT_LENGTH);
	bool pass = f->mode == FETCH_PASS;
	struct str rest, n;

	forward_request(x, pass ? TO_ORIGIN : TO_ORIGIN_FOR_CACHE, &f->request);
	f->upload_chunked = f->upload && !length;
	if (f->upload_chunked) {
		buf_z(&f->request, "Transfer-Encoding: chunked\r\n");
	} else if (pass && length) {
		/* Once, however often the client says it. */
		rest = length->value;
		(void)list_next(&rest, &n);
		buf_printf(&f->request, "Content-Length: %.*s\r\n", STR_ARG(n));
	}
	f->plain_bytes = buf_len(&f->request);
	if (f->stale)
		judge_conditions(f->stale, &f->request);
	buf_z(&f->request, "\r\n");
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
	f->upload_reader.on_progress = on_upload;
	wake_init(&f->wake, w->loop, on_wake);
	list_push_back(&w->fetches, &f->link);
	f->flight = flight_ref(flight);
	body_set_tap(&flight->body, &f->tap);
	return f;
}

void
fetch_start(struct exchange *x, struct flight *flight, enum fetch_mode mode,
	struct object *stale)
{
	struct worker *w = x->worker;
	struct dial_target to = target_of(x);
	struct fetch *f = fetch_new(w, flight);

	f->mode = mode;
	f->keep = mode == FETCH_KEEP;
	f->stale = stale ? object_ref(stale) : NULL;
	f->asked = x->asked;
	f->key = xstrndup(x->route.key.p, x->route.key.n);
	f->method = f->keep ? METHOD_GET : x->head.method;
	f->upload = x->upload && !f->keep ? flight_ref(x->upload) : NULL;
	f->upload_done = !f->upload;
	if (f->upload)
		CHECK(reader_attach(&f->upload_reader, &f->upload->body) == 0);
	f->asked_at_s = loop_wall_s(w->loop);
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
