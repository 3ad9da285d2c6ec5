/*
 * What becomes of the head that is an origin's answer, and of what is stored by
 * the same key: proxy/judge.h says what is right, and here it is done.
 */
#include "proxy/fetch_internal.h"

#include "base/own.h"
#include "proxy/heed.h"
#include "proxy/judge.h"
#include "proxy/segment.h"

enum {
	NO_PARTS_S = 600, /* for so long an origin is not asked for parts
			     again that has sent the whole instead */
	MARK_S = 10,	  /* after an answer that others can't share, for so
			     long nobody waits for another's */
};

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

/* --- what is stored of it --------------------------------------------------
 */

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
	fetch_depart(f);
	f->flight->private_ = true;
	atomic_store(&f->flight->body.transient, true);
	wake_post(&f->wake); /* perhaps nobody reads it */
}

/* Stored from now on, for those whom its Vary selects. */
static bool
make_shared(struct fetch *f, const struct judge_case *c)
{
	struct buf selector = {0};
	bool fits = judge_selector(c, &selector);

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
	if (!j.response.why_not && !make_shared(f, &c))
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
	/* Others' ranges are passed on at once. */
	if (h->status == 206 && j.for_all)
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
	forward_fields(h, !r.why_not, &fields, &withheld);
	r.fields = buf_view(&fields);
	r.withheld = buf_view(&withheld);
	f->state = FETCH_BODY;
	fetch_arm(f);
	dial_answered(&f->dial);
	if (f->complete_length)
		segment_store_manifest(f->worker->node->store, f->flight,
			str_z(f->key), &r, f->complete_length);
	flight_ready(f->flight, &r);
	buf_fini(&fields);
	buf_fini(&withheld);
}

/* --- what it says of what is stored ----------------------------------------
 */

/* The origin confirms what we don't have: we ask for all of it. */
static void
ask_whole(struct fetch *f)
{
	store_remove(f->worker->node->store, f->stale);
	object_unref(take_ptr(&f->stale));
	outgoing_drop_conditions(&f->request);
	f->conditional = false;
	f->asked_at_s = loop_wall_s(f->worker->loop);
	if (f->reusable && upstream_is_quiet(f->up)) {
		fetch_arm(f);
		fetch_send_more(f, false);
		return;
	}
	fetch_hang_up(f);
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
	fetch_depart(f);
	flight_instead(f->flight, o, h->status);
	fetch_finish(f, f->reusable);
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

bool
fetch_accept(struct fetch *f, const struct head *h)
{
	if (h->status == 304 && f->mode != FETCH_PASS) {
		buf_consume(&f->up->in, h->bytes);
		dial_answered(&f->dial);
		if (!f->conditional)
			fetch_fail(f, 502, "the origin answers 304 unasked");
		else if (!accept_not_modified(f, h))
			ask_whole(f);
		return f->up;
	}
	if (is_failure(h->status) && fetch_rescue(f, h->status))
		return false;
	if (f->mode == FETCH_PASS)
		heed(f, h);
	accept_head(f, h);
	buf_consume(&f->up->in, h->bytes);
	return true;
}
