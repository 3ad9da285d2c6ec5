/* What goes back on the channel for what a peer asked. */
#include <endian.h>
#include <stdio.h>

#include "base/own.h"
#include "proxy/answer.h"
#include "proxy/channel.h"
#include "proxy/depot.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/serve_internal.h"

void
serve_make_ready(struct serve *v)
{
	if (!list_linked(&v->ready))
		list_push_back(&v->server->ready, &v->ready);
	channel_fill_later(v->server->channel);
}

/* Is all that is behind the head there, and not much? */
static bool
is_small(const struct exchange *x, const struct answer *a)
{
	if (x->head.method == METHOD_HEAD || a->framing == ANSWER_NO_BODY)
		return true;
	return a->framing == ANSWER_LENGTH && a->length < WIRE_BULK_MIN &&
		content_is_there(&x->content);
}

/* Its bytes. */
static size_t
put_body(struct exchange *x, struct buf *out)
{
	size_t n = 0;
	struct str s;

	while (content_peek(&x->content, &s, 1)) {
		buf_str(out, s);
		content_advance(&x->content, s.n);
		n += s.n;
	}
	return n;
}

/* A bulk connection for it; 0: it goes otherwise. */
static uint32_t
bulk_for(const struct serve *v, const struct answer *a)
{
	if (a->framing != ANSWER_LENGTH || a->length < WIRE_BULK_MIN ||
		v->x->head.method == METHOD_HEAD || v->x->fill == FILL_ANSWERS)
		return 0;
	return depot_find(v->server->depot);
}

/* The head, and what is behind it if that is small, or goes elsewhere. */
static void
send_head(struct serve *v)
{
	struct channel *ch = v->server->channel;
	struct buf *out = channel_begin(ch);
	size_t at = wire_head_begin(out);
	struct answer a = answer_to_peer(v->x, out);
	bool small = is_small(v->x, &a);
	struct wire_head h = {.status = a.status,
		.load = heat_own_load(v->server->worker->node),
		.length = a.framing == ANSWER_LENGTH ? (int64_t)a.length : -1,
		.bulk = small ? 0 : bulk_for(v, &a)};
	bool has_body = v->x->head.method != METHOD_HEAD;
	size_t body = 0;

	wire_head_end(out, at, &h);
	if (small && has_body)
		body = put_body(v->x, out);
	channel_end_body(ch, small ? WIRE_ANSWER : WIRE_HEAD, v->stream, body);
	exchange_tally(
		v->x, has_body && a.framing == ANSWER_LENGTH ? a.length : 0);
	if (h.bulk) {
		exchange_keep(v->x);
		depot_send(v->server->depot, h.bulk, take_ptr(&v->x), a.length);
	}
	v->head_sent = true;
	v->answered = small || h.bulk;
}

static void
send_fail(struct serve *v, unsigned status)
{
	char text[4];

	snprintf(text, sizeof(text), "%u", status % 1000);
	channel_send(v->server->channel, WIRE_FAIL, v->stream, str_z(text));
}

/* Would we rather have the connection? Not if we fetch the answer for this
 * request: it comes at the origin's pace, and would be counted twice. */
static bool
takes(const struct serve *v)
{
	const struct exchange *x = v->x;
	const struct response *r = exchange_response(x);

	return v->offered && x->worker->node->handoff &&
		x->head.method == METHOD_GET &&
		(x->from == FROM_HIT || x->from == FROM_JOIN) &&
		!(x->flight && x->flight->private_) && r->status == 200 &&
		r->length >= 0 && (uint64_t)r->length >= v->offered &&
		!head_find(&x->head, FIELD_RANGE);
}

static void
send_take(struct serve *v)
{
	uint64_t bytes = htobe64((uint64_t)exchange_response(v->x)->length);

	v->waits = true;
	channel_send(v->server->channel, WIRE_TAKE, v->stream,
		str_of((char *)&bytes, sizeof(bytes)));
}

static void
send_elsewhere(struct serve *v)
{
	const struct node *n = v->server->worker->node;

	channel_send(v->server->channel, WIRE_ELSEWHERE, v->stream,
		str_z(membership_name(n, (size_t)v->x->elsewhere)));
}

static enum serve_step
end(struct serve *v)
{
	serve_end(v);
	return STEP_ENDED;
}

/* Its body's next frame, as far as credit goes. False: there is none now. */
static bool
send_data(struct serve *v)
{
	struct channel *ch = v->server->channel;
	struct str s;

	if (!v->credit || !content_peek(&v->x->content, &s, 1))
		return false;
	if (s.n > WIRE_TURN)
		s.n = WIRE_TURN;
	if (s.n > v->credit)
		s.n = (size_t)v->credit;
	buf_str(channel_begin(ch), s);
	channel_end_body(ch, WIRE_DATA, v->stream, s.n);
	v->credit -= s.n;
	content_advance(&v->x->content, s.n);
	return true;
}

enum serve_step
serve_step(struct serve *v)
{
	enum body_state state;
	bool sent;

	if (v->waits)
		return STEP_WAIT;
	switch (exchange_phase(v->x)) {
	case EXCHANGE_WAITING: return STEP_WAIT;
	case EXCHANGE_FAILED:
		if (v->x->elsewhere >= 0)
			send_elsewhere(v);
		else
			send_fail(v, exchange_error(v->x).status);
		return end(v);
	case EXCHANGE_READY: break;
	}
	if (!v->head_sent && takes(v)) {
		send_take(v);
		return STEP_WAIT;
	}
	if (!v->head_sent)
		send_head(v);
	if (v->answered)
		return end(v);
	sent = send_data(v);
	state = content_state(&v->x->content);
	if (state == BODY_OPEN)
		return sent ? STEP_MORE : STEP_WAIT;
	if (state == BODY_FAILED)
		send_fail(v, 502);
	else
		channel_send(v->server->channel, WIRE_END, v->stream,
			exchange_trailers(v->x));
	return end(v);
}

void
server_fill(struct channel_user *u)
{
	struct server *s = container_of(u, struct server, user);
	struct list *it;

	while (channel_has_room(s->channel) &&
		(it = list_pop_front(&s->ready))) {
		struct serve *v = container_of(it, struct serve, ready);

		if (serve_step(v) == STEP_MORE)
			list_push_back(&s->ready, &v->ready);
	}
}
