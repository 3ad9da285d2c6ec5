/*
 * The heads that an origin sends until one is its answer: interim ones (1xx),
 * and those after which the connection is a tunnel.
 */
#include "proxy/fetch_internal.h"

#include "base/own.h"
#include "http/upgrade.h"
#include "proxy/incoming.h"
#include "proxy/tunnel.h"

enum { INTERIM_MAX = 32 }; /* 1xx heads before the final one */

void
fetch_become_tunnel(struct fetch *f, unsigned status, struct str fields)
{
	struct asker *asker = f->asker;
	struct response r = {.status = status,
		.fields = fields,
		.length = 0,
		.why_not = "a tunnel"};

	if (!asker) {
		fetch_fail(f, 499, "nobody wants this any more");
		return;
	}
	dial_answered(&f->dial);
	asker->on_tunnel(asker, tunnel_new(take_ptr(&f->up)));
	flight_ready(f->flight, &r);
	body_end(&f->flight->body, BODY_DONE);
	fetch_finish(f, false);
}

static void
accept_switch(struct fetch *f, const struct head *h)
{
	struct head request;
	struct buf fields = {0};

	if (head_parse_own_request(buf_view(&f->request.head), &request) !=
			HEAD_DONE ||
		!upgrade_is_chosen(h, &request)) {
		fetch_fail(f, 502, "the origin switched protocols unasked");
		return;
	}
	forward_switch(h, &fields);
	buf_consume(&f->up->in, h->bytes);
	fetch_become_tunnel(f, h->status, buf_view(&fields));
	buf_fini(&fields);
}

void
fetch_tell_interim(struct fetch *f, const struct head *h)
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
		fetch_fail(
			f, 502, "the origin sends interim answers without end");
		return false;
	}
	fetch_tell_interim(f, h);
	buf_consume(&f->up->in, h->bytes);
	fetch_send_more(f, h->status == 100);
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
	fetch_dead(f,
		buf_len(&f->up->in) ? "the origin closed in its head"
				    : "the origin closed before it answered");
	return false;
}

bool
fetch_step_head(struct fetch *f)
{
	const char *why = NULL;
	struct frame frame;
	struct head h;

	switch (head_parse_response(buf_view(&f->up->in), &h)) {
	case HEAD_DONE: break;
	case HEAD_MORE: return await_head(f);
	default: fetch_fail(f, 502, h.error); return false;
	}
	if (h.status == 101) {
		accept_switch(f, &h);
		return false;
	}
	if (h.status < 200)
		return accept_interim(f, &h);
	if (frame_of_response(&h, f->method, &frame, &why) != FRAME_OK) {
		fetch_fail(f, 502, why);
		return false;
	}
	f->reusable = head_keep_alive(&h) && frame.kind != FRAME_CLOSE;
	intake_init(&f->intake, frame, &h);
	return fetch_accept(f, &h);
}
