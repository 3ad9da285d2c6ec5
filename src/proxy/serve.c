#include "proxy/serve.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "proxy/answer.h"
#include "proxy/channel.h"
#include "proxy/depot.h"
#include "proxy/explain.h"
#include "proxy/heat.h"
#include "proxy/lookup.h"
#include "proxy/membership.h"
#include "proxy/purge.h"
#include "proxy/status.h"
#include "proxy/take.h"

enum { BUCKETS = 256 };

/* One ask that we answer. */
struct serve {
	struct server *server; /* borrowed */
	uint32_t stream;
	struct exchange *x; /* owned; or */
	struct take *take;  /* owned: a connection that is being given to us */
	uint64_t credit;    /* bytes of DATA that may still go */
	uint64_t offered;   /* the answer need not come if it is as large; 0: it
			       has to */
	bool waits;	    /* TAKE has been said */
	bool head_sent;
	bool answered;	   /* ... with all that was behind it */
	struct list link;  /* in the server's bucket */
	struct list ready; /* in server->ready: there may be more to send */
};

struct server {
	struct channel_user user;
	struct worker *worker; /* borrowed */
	struct channel *channel;
	struct depot *depot; /* owned; NULL until it is up */
	struct list buckets[BUCKETS];
	struct list ready;   /* streams take turns, a frame each */
	struct list purging; /* struct purging_for */
	size_t peer;	     /* who it is, once it is up */
	struct grave grave;
};

static struct serve *
find(struct server *s, uint32_t stream)
{
	list_foreach (it, &s->buckets[stream % BUCKETS]) {
		struct serve *v = container_of(it, struct serve, link);

		if (v->stream == stream)
			return v;
	}
	return NULL;
}

static struct serve *
serve_new(struct server *s, uint32_t stream)
{
	struct serve *v = NEW(struct serve);

	v->server = s;
	v->stream = stream;
	list_init(&v->ready);
	list_push_back(&s->buckets[stream % BUCKETS], &v->link);
	return v;
}

static void
serve_end(struct serve *v)
{
	if (v->waits) /* it is asked for again, whatever becomes of the move */
		lookup_uncount(v->x);
	exchange_put(v->x);
	take_discard(v->take);
	list_remove(&v->link);
	list_remove(&v->ready);
	free(v);
}

/* The asker was lost. */
static void
serve_lose(struct serve *v)
{
	const struct node *n = v->server->worker->node;

	if (v->take)
		take_lose(take_ptr(&v->take),
			membership_addr(n, v->server->peer));
	serve_end(v);
}

static void
make_ready(struct serve *v)
{
	if (!list_linked(&v->ready))
		list_push_back(&v->server->ready, &v->ready);
	channel_fill_later(v->server->channel);
}

static void
on_ready(struct exchange *x)
{
	make_ready(x->user);
}

static void
on_interim(struct exchange *x, unsigned status, struct str head)
{
	struct serve *v = x->user;

	(void)status;
	if (!v->head_sent)
		channel_send(v->server->channel, WIRE_INTERIM, v->stream, head);
}

/* --- frames out ---------------------------------------------------------- */

/* Is all that is behind the head there, and not much? */
static bool
is_small(const struct exchange *x, const struct answer *a)
{
	if (x->head.method == METHOD_HEAD || a->framing == ANSWER_NO_BODY)
		return true;
	return a->framing == ANSWER_LENGTH && a->length < WIRE_BULK_MIN &&
		content_is_there(&x->content);
}

static void
put_body(struct exchange *x, struct buf *out)
{
	struct str s;

	while (content_peek(&x->content, &s, 1)) {
		buf_str(out, s);
		content_advance(&x->content, s.n);
	}
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
	bool has_body = v->x->head.method != METHOD_HEAD;
	struct wire_head h = {.status = a.status,
		.load = heat_own_load(v->server->worker->node),
		.length = a.framing == ANSWER_LENGTH ? (int64_t)a.length : -1,
		.bulk = small ? 0 : bulk_for(v, &a)};

	wire_head_end(out, at, &h);
	if (small && has_body)
		put_body(v->x, out);
	channel_end(ch, small ? WIRE_ANSWER : WIRE_HEAD, v->stream);
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

enum step { STEP_WAIT, STEP_MORE, STEP_ENDED };

static enum step
end(struct serve *v)
{
	serve_end(v);
	return STEP_ENDED;
}

/* Its body's next frame, as far as credit goes. False: there is none now. */
static bool
send_data(struct serve *v)
{
	struct str s;

	if (!v->credit || !content_peek(&v->x->content, &s, 1))
		return false;
	if (s.n > WIRE_TURN)
		s.n = WIRE_TURN;
	if (s.n > v->credit)
		s.n = (size_t)v->credit;
	channel_send(v->server->channel, WIRE_DATA, v->stream, s);
	v->credit -= s.n;
	content_advance(&v->x->content, s.n);
	return true;
}

/* Sends one frame of v, or a few when they are small. */
static enum step
step(struct serve *v)
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

static void
fill(struct channel_user *u)
{
	struct server *s = container_of(u, struct server, user);
	struct list *it;

	while (channel_has_room(s->channel) &&
		(it = list_pop_front(&s->ready))) {
		struct serve *v = container_of(it, struct serve, ready);

		if (step(v) == STEP_MORE)
			list_push_back(&s->ready, &v->ready);
	}
}

/* --- frames in ----------------------------------------------------------- */

/* offered: see struct serve. */
static bool
on_ask(struct server *s, uint32_t stream, uint64_t offered, bool fill,
	struct str payload)
{
	struct exchange *x = exchange_get(s->worker);
	struct head *h = &x->head;
	enum step r = STEP_MORE;
	struct serve *v;

	if (find(s, stream) ||
		head_parse_own_request(payload, h) != HEAD_DONE ||
		h->bytes != payload.n ||
		(h->method != METHOD_GET && h->method != METHOD_HEAD)) {
		exchange_put(x);
		return false;
	}
	v = serve_new(s, stream);
	v->credit = BODY_WINDOW;
	v->offered = offered;
	v->x = x;
	x->user = v;
	x->on_ready = on_ready;
	x->on_interim = on_interim;
	x->from_peer = true;
	x->asked_by = s->peer;
	x->offered = offered > 0;
	x->fill = fill ? FILL_ANSWERS : FILL_NONE;
	exchange_start(x, payload.p);
	if (channel_has_room(s->channel))
		r = step(v);
	if (r != STEP_ENDED)
		exchange_keep(x);
	if (r == STEP_MORE)
		make_ready(v);
	return true;
}

static bool
on_offer(struct server *s, uint32_t stream, struct str payload)
{
	uint64_t size;

	if (payload.n < sizeof(size))
		return false;
	memcpy(&size, payload.p, sizeof(size));
	return on_ask(s, stream, be64toh(size), false,
		str_of(payload.p + sizeof(size), payload.n - sizeof(size)));
}

/* The connection of a client is to be ours. */
static bool
on_move(struct server *s, struct serve *v, uint32_t stream, struct str sealed)
{
	struct buf text = {0};
	struct take_text t;
	struct take *take = NULL;
	bool fine = (!v || (v->waits && !v->take)) &&
		channel_open_sealed(
			s->channel, WIRE_MOVE, stream, sealed, &text) &&
		take_parse(buf_view(&text), &t);

	if (fine) {
		take = take_start(s->worker, &t);
		if (take)
			(v ? v : serve_new(s, stream))->take = take;
		else if (v)
			serve_end(v);
		fine = channel_send_sealed(s->channel,
			take ? WIRE_TAKEN : WIRE_REFUSED, stream, STR(""));
	}
	buf_fini(&text);
	return fine;
}

static bool
on_go(struct server *s, struct serve *v, uint32_t stream, struct str sealed)
{
	struct buf none = {0};
	bool fine =
		channel_open_sealed(s->channel, WIRE_GO, stream, sealed, &none);

	buf_fini(&none);
	if (!fine || !v || !v->take)
		return false;
	take_go(take_ptr(&v->take));
	serve_end(v);
	return true;
}

static bool
on_credit(struct serve *v, struct str payload)
{
	uint32_t credit;

	if (payload.n != sizeof(credit))
		return false;
	if (!v || !v->x)
		return true;
	memcpy(&credit, payload.p, sizeof(credit));
	v->credit += ntohl(credit);
	make_ready(v);
	return true;
}

static bool
on_status(struct server *s, uint32_t stream)
{
	char *json = status_self(s->worker->node);
	bool fits = strlen(json) <= WIRE_MAX;

	if (fits)
		channel_send(s->channel, WIRE_REPLY, stream, str_z(json));
	free(json);
	return fits;
}

/* A purge that goes on, whoever it is for still there or not. */
struct purging_for {
	struct list link;      /* in server->purging */
	struct server *server; /* borrowed; NULL: he has gone */
	uint32_t stream;
};

static void
on_purged(void *ctx, const struct purge_report *r)
{
	struct purging_for *p = ctx;
	uint64_t objects = htobe64(r->objects);

	list_remove(&p->link);
	if (p->server)
		channel_send(p->server->channel, WIRE_PURGED, p->stream,
			str_of((char *)&objects, sizeof(objects)));
	free(p);
}

static bool
on_purge(struct server *s, uint32_t stream, struct str payload)
{
	struct purging_for *f;
	struct purge p;

	if (!purge_parse(payload, &p))
		return false;
	f = NEW(struct purging_for);
	f->server = s;
	f->stream = stream;
	list_push_back(&s->purging, &f->link);
	purge_start_here(s->worker, &p, on_purged, f);
	return true;
}

static bool
on_explain(struct server *s, uint32_t stream, struct str key)
{
	char *json = explain_self(s->worker, key);

	channel_send(s->channel, WIRE_REPLY, stream, str_z(json));
	free(json);
	return true;
}

static bool
on_view(struct server *s, struct str payload)
{
	bool news, lacking;

	if (membership_merge(s->worker->node, payload, &news, &lacking) < 0)
		return false;
	if (news || lacking)
		worker_members_changed(s->worker->node);
	return true;
}

static bool
on_news(struct server *s, struct str payload)
{
	struct news n;

	if (!news_parse(payload, &n))
		return false;
	heat_hear(s->worker->node, s->peer, &n);
	return true;
}

static bool
on_frame(struct channel_user *u, enum wire_type type, uint32_t stream,
	struct str payload)
{
	struct server *s = container_of(u, struct server, user);
	struct serve *v = find(s, stream);

	switch (type) {
	case WIRE_ASK: return on_ask(s, stream, 0, false, payload);
	case WIRE_FILL: return on_ask(s, stream, 0, true, payload);
	case WIRE_VIEW: return on_view(s, payload);
	case WIRE_NEWS: return on_news(s, payload);
	case WIRE_EXPLAIN: return on_explain(s, stream, payload);
	case WIRE_OFFER: return on_offer(s, stream, payload);
	case WIRE_CREDIT: return on_credit(v, payload);
	case WIRE_CANCEL:
		if (v)
			serve_end(v);
		return true;
	case WIRE_FREE: return depot_free(s->depot, stream);
	case WIRE_STATUS: return on_status(s, stream);
	case WIRE_PURGE: return on_purge(s, stream, payload);
	case WIRE_MOVE: return on_move(s, v, stream, payload);
	case WIRE_GO: return on_go(s, v, stream, payload);
	default: return false;
	}
}

/* --- up and down --------------------------------------------------------- */

static void
on_up(struct channel_user *u, size_t peer, const struct hello *theirs)
{
	struct server *s = container_of(u, struct server, user);
	struct worker *w = s->worker;

	s->peer = peer;
	if (!theirs->bulk) {
		s->depot = depot_open(w, peer, theirs->key);
		return;
	}
	depot_deliver(w->node, peer, theirs, channel_release(s->channel));
	loop_bury(w->loop, &s->grave);
}

static void
bury(struct grave *g)
{
	free(container_of(g, struct server, grave));
}

static void
on_down(struct channel_user *u)
{
	struct server *s = container_of(u, struct server, user);

	for (int i = 0; i < BUCKETS; i++)
		list_foreach_safe (it, &s->buckets[i])
			serve_lose(container_of(it, struct serve, link));
	list_foreach_safe (it, &s->purging) {
		struct purging_for *p =
			container_of(it, struct purging_for, link);

		p->server = NULL;
		list_remove(&p->link);
	}
	depot_close(take_ptr(&s->depot));
	loop_bury(s->worker->loop, &s->grave);
}

void
serve_start(struct worker *w, int fd, struct in_addr addr)
{
	struct server *s = NEW(struct server);

	s->user = (struct channel_user){on_up, on_frame, fill, on_down};
	s->worker = w;
	s->grave.bury = bury;
	list_init(&s->ready);
	list_init(&s->purging);
	for (int i = 0; i < BUCKETS; i++)
		list_init(&s->buckets[i]);
	s->channel = channel_accepted(w, fd, addr, &s->user);
	if (!s->channel)
		free(s);
}
