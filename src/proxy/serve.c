#include "proxy/serve_internal.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "proxy/depot.h"
#include "proxy/lookup.h"
#include "proxy/membership.h"
#include "proxy/take.h"

enum { SPARES = 64 };

static struct serve *
find(struct server *s, uint32_t stream)
{
	list_foreach (it, &s->buckets[stream % SERVE_BUCKETS]) {
		struct serve *v = container_of(it, struct serve, link);

		if (v->stream == stream)
			return v;
	}
	return NULL;
}

static struct serve *
serve_new(struct server *s, uint32_t stream)
{
	struct list *spare = list_pop_front(&s->spare);
	struct serve *v = spare ? container_of(spare, struct serve, link)
				: xmalloc(sizeof(*v));

	s->nspare -= spare != NULL;
	*v = (struct serve){.server = s, .stream = stream};
	list_init(&v->ready);
	list_push_back(&s->buckets[stream % SERVE_BUCKETS], &v->link);
	return v;
}

void
serve_end(struct serve *v)
{
	struct server *s = v->server;

	if (v->waits) /* it is asked for again, whatever becomes of the move */
		lookup_uncount(v->x);
	exchange_put(v->x);
	list_remove(&v->link);
	list_remove(&v->ready);
	if (s->nspare == SPARES) {
		free(v);
		return;
	}
	list_push_front(&s->spare, &v->link);
	s->nspare++;
}

/* The move ends, if it is one, and whatever else there is of v. */
static void
serve_move(struct serve *v, enum move_event e)
{
	const struct server *s = v->server;

	if (v->take)
		take_on(take_ptr(&v->take), e,
			membership_addr(s->worker->node, s->peer));
	serve_end(v);
}

static void
on_ready(struct exchange *x)
{
	serve_make_ready(x->user);
}

static void
on_interim(struct exchange *x, unsigned status, struct str head)
{
	struct serve *v = x->user;

	(void)status;
	if (!v->head_sent)
		channel_send(v->server->channel, WIRE_INTERIM, v->stream, head);
}

/* --- frames in ----------------------------------------------------------- */

/* offered: see struct serve. */
static bool
on_ask(struct server *s, uint32_t stream, uint64_t offered, bool fill,
	const struct in6_addr *client, struct str head)
{
	struct exchange *x = exchange_get(s->worker);
	struct head *h = &x->head;
	enum serve_step r = STEP_MORE;
	struct serve *v;

	if (find(s, stream) || head_parse_own_request(head, h) != HEAD_DONE ||
		h->bytes != head.n ||
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
	x->client = *client;
	x->from_peer = true;
	x->asked_by = s->peer;
	x->offered = offered > 0;
	x->fill = fill ? FILL_ANSWERS : FILL_NONE;
	exchange_start(x, head.p);
	if (channel_has_room(s->channel))
		r = serve_step(v);
	if (r != STEP_ENDED)
		exchange_keep(x);
	if (r == STEP_MORE)
		serve_make_ready(v);
	return true;
}

static bool
on_question(struct server *s, uint32_t stream, bool fill, struct str payload)
{
	struct in6_addr client;

	return wire_client_take(&payload, &client) &&
		on_ask(s, stream, 0, fill, &client, payload);
}

/* What the short form of a head was, until the next one. */
static bool
take_head(struct server *s, struct str packed, struct str *out)
{
	buf_consume(&s->head, buf_len(&s->head));
	if (!channel_take_head(s->channel, packed, &s->head))
		return false;
	*out = buf_view(&s->head);
	return true;
}

static bool
on_offer(struct server *s, uint32_t stream, struct str payload)
{
	struct in6_addr client;
	struct str head;
	uint64_t size;

	return str_take(&payload, &size, sizeof(size)) &&
		wire_client_take(&payload, &client) &&
		take_head(s, payload, &head) &&
		on_ask(s, stream, be64toh(size), false, &client, head);
}

/* The connection of a client is to be ours. */
static bool
on_move(struct server *s, struct serve *v, uint32_t stream, struct str payload)
{
	struct take_text t;
	struct take *take;

	if (!channel_is_sealed(s->channel) || (v && (!v->waits || v->take)) ||
		!take_parse(&payload, &t) || !take_head(s, payload, &t.head))
		return false;
	take = take_start(s->worker, &t);
	if (take)
		(v ? v : serve_new(s, stream))->take = take;
	else if (v)
		serve_end(v);
	channel_send(
		s->channel, take ? WIRE_TAKEN : WIRE_REFUSED, stream, STR(""));
	return true;
}

static bool
on_go(struct serve *v)
{
	if (!v || !v->take)
		return false;
	serve_move(v, MOVE_ON_GO);
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
	serve_make_ready(v);
	return true;
}

static bool
on_frame(struct channel_user *u, enum wire_type type, uint32_t stream,
	struct str payload)
{
	struct server *s = container_of(u, struct server, user);
	struct serve *v = find(s, stream);

	switch (type) {
	case WIRE_ASK: return on_question(s, stream, false, payload);
	case WIRE_FILL: return on_question(s, stream, true, payload);
	case WIRE_OFFER: return on_offer(s, stream, payload);
	case WIRE_CREDIT: return on_credit(v, payload);
	case WIRE_CANCEL:
		if (v)
			serve_move(v, MOVE_ON_CANCEL);
		return true;
	case WIRE_FREE: return depot_free(s->depot, stream);
	case WIRE_MOVE: return on_move(s, v, stream, payload);
	case WIRE_GO: return on_go(v);
	default: return server_on_question(s, type, stream, payload);
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
		s->depot = depot_open(w, peer, channel_tickets(s->channel));
		return;
	}
	depot_deliver(w->node, peer, theirs, channel_release(s->channel));
	loop_bury(w->loop, &s->grave);
}

static void
bury(struct grave *g)
{
	struct server *s = container_of(g, struct server, grave);
	struct list *it;

	while ((it = list_pop_front(&s->spare)))
		free(container_of(it, struct serve, link));
	buf_fini(&s->head);
	free(s);
}

static void
on_down(struct channel_user *u)
{
	struct server *s = container_of(u, struct server, user);

	for (int i = 0; i < SERVE_BUCKETS; i++)
		list_foreach_safe (it, &s->buckets[i])
			serve_move(container_of(it, struct serve, link),
				MOVE_ON_LOST);
	server_forget_purges(s);
	depot_close(take_ptr(&s->depot));
	loop_bury(s->worker->loop, &s->grave);
}

void
serve_start(struct worker *w, int fd, struct in_addr addr)
{
	struct server *s = NEW(struct server);

	s->user = (struct channel_user){on_up, on_frame, server_fill, on_down};
	s->worker = w;
	s->grave.bury = bury;
	list_init(&s->ready);
	list_init(&s->purging);
	list_init(&s->spare);
	for (int i = 0; i < SERVE_BUCKETS; i++)
		list_init(&s->buckets[i]);
	s->channel = channel_accepted(w, fd, addr, &s->user);
	if (!s->channel)
		free(s);
}
