#include "proxy/peer.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/trailers.h"
#include "net/sock.h"
#include "proxy/channel.h"
#include "proxy/forward.h"
#include "proxy/purge.h"

enum {
	REDIAL_MS = 200,
	CREDIT_STEP = BODY_WINDOW / 4,
};

/* A request that the peer answers: it writes the flight. */
struct ask {
	struct peer *peer; /* borrowed */
	uint32_t stream;
	struct flight *flight; /* counted */
	struct asker *asker;   /* borrowed; NULL: he has left */
	enum method method;
	uint64_t credited; /* bytes of credit given beyond the first window */
	struct tap tap;
	struct wake wake;
	struct grave grave;
};

struct peer {
	struct channel_user user;
	struct worker *worker; /* borrowed */
	size_t index;
	struct channel *channel; /* NULL while down; ends by itself */
	bool up, dialled;
	struct timer redial;

	/* Open asks by the low half of their stream's number; the upper half
	 * is a generation, so that a late frame of an ended stream finds
	 * nothing. */
	struct ask **slots; /* owned */
	size_t nslots, nfree;
	uint16_t *free_slots; /* owned: a stack */
	uint16_t generation;
	struct list calls;
};

enum { SLOTS_MAX = 65536 };

/* --- asks ---------------------------------------------------------------- */

static void
grow_slots(struct peer *p)
{
	size_t n = p->nslots ? 2 * p->nslots : 64;

	p->slots = xrealloc(p->slots, n * sizeof(*p->slots));
	p->free_slots = xrealloc(p->free_slots, n * sizeof(*p->free_slots));
	for (size_t i = n; i-- > p->nslots;) {
		p->slots[i] = NULL;
		p->free_slots[p->nfree++] = (uint16_t)i;
	}
	p->nslots = n;
}

static struct ask *
find_ask(struct peer *p, uint32_t stream)
{
	size_t slot = stream & 0xffff;
	struct ask *a = slot < p->nslots ? p->slots[slot] : NULL;

	return a && a->stream == stream ? a : NULL;
}

static void
bury_ask(struct grave *g)
{
	free(container_of(g, struct ask, grave));
}

/* The flight has been ended. */
static void
ask_end(struct ask *a)
{
	struct peer *p = a->peer;
	uint16_t slot = (uint16_t)a->stream;

	p->slots[slot] = NULL;
	p->free_slots[p->nfree++] = slot;
	wake_cancel(&a->wake);
	asker_leave(a->asker);
	flight_unref(take_ptr(&a->flight));
	loop_bury(p->worker->loop, &a->grave);
}

static void
ask_fail(struct ask *a, unsigned status, const char *why)
{
	flight_fail(a->flight, status, why);
	ask_end(a);
}

static void
on_wake(struct wake *w)
{
	struct ask *a = container_of(w, struct ask, wake);
	struct channel *ch = a->peer->channel;
	struct body *body = &a->flight->body;
	uint64_t consumed = body_consumed(body);
	uint32_t credit;

	if (body_orphaned(body)) {
		channel_send(ch, WIRE_CANCEL, a->stream, STR(""));
		ask_fail(a, 499, "nobody reads this any more");
		return;
	}
	if (consumed - a->credited < CREDIT_STEP)
		return;
	credit = htonl((uint32_t)(consumed - a->credited));
	a->credited = consumed;
	channel_send(ch, WIRE_CREDIT, a->stream,
		str_of((char *)&credit, sizeof(credit)));
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct ask, tap)->wake);
}

void
peer_ask(struct peer *p, struct exchange *x)
{
	struct buf head = {0};
	struct ask *a;

	CHECK(p->up);
	count(&p->worker->counters.relayed, 1);
	if (!p->nfree && p->nslots == SLOTS_MAX) {
		flight_fail(x->flight, 503, "too many requests to one peer");
		return;
	}
	if (!p->nfree)
		grow_slots(p);
	a = NEW(struct ask);
	a->peer = p;
	a->grave.bury = bury_ask;
	a->stream = (uint32_t)p->generation++ << 16 | p->free_slots[--p->nfree];
	p->slots[a->stream & 0xffff] = a;
	a->flight = flight_ref(x->flight);
	asker_join(&x->asker, &a->asker);
	a->method = x->head.method;
	a->tap.on_consumed = on_consumed;
	wake_init(&a->wake, p->worker->loop, on_wake);
	body_set_tap(&a->flight->body, &a->tap);
	forward_request(x, TO_PEER, &head);
	buf_z(&head, "\r\n");
	channel_send(p->channel, WIRE_ASK, a->stream, buf_view(&head));
	buf_fini(&head);
}

/* --- answers ------------------------------------------------------------- */

static bool
on_head(struct ask *a, struct str payload)
{
	struct response r = {.length = -1, .why_not = "relayed"};
	struct buf fields = {0};
	struct head h;
	uint64_t n;

	if (flight_phase(a->flight) != FLIGHT_WAITING ||
		head_parse_own_response(payload, &h) != HEAD_DONE)
		return false;
	const struct field *length = head_find(&h, FIELD_CONTENT_LENGTH);

	if (length && str_u64(length->value, INT64_MAX, &n) == 0)
		r.length = (int64_t)n;
	r.status = h.status;
	forward_fields(&h, FORWARD_ALL, &fields);
	r.fields = buf_view(&fields);
	flight_ready(a->flight, &r);
	buf_fini(&fields);
	return true;
}

/* The peer says what goes to the client as it is. */
static bool
on_interim(struct ask *a, struct str payload)
{
	struct head h;

	if (flight_phase(a->flight) != FLIGHT_WAITING ||
		head_parse_own_response(payload, &h) != HEAD_DONE ||
		h.bytes != payload.n || h.status >= 200 || h.status == 101)
		return false;
	if (a->asker)
		a->asker->on_interim(a->asker, h.status, payload);
	return true;
}

static bool
on_data(struct ask *a, struct str payload)
{
	struct body *body = &a->flight->body;
	uint64_t filled = body_filled(body) + payload.n;

	if (flight_phase(a->flight) != FLIGHT_READY ||
		filled > a->credited + BODY_WINDOW)
		return false;
	if (a->flight->response.length >= 0 &&
		filled > (uint64_t)a->flight->response.length)
		return false;
	body_append(body, payload.p, payload.n);
	return true;
}

static bool
on_end(struct ask *a, struct str payload)
{
	struct buf trailers = {0};
	struct flight *f = a->flight;

	if (flight_phase(f) != FLIGHT_READY)
		return false;
	if (f->response.length >= 0 && a->method != METHOD_HEAD &&
		body_filled(&f->body) != (uint64_t)f->response.length)
		return false;
	trailers_put(payload, &trailers);
	flight_end(f, buf_view(&trailers));
	buf_fini(&trailers);
	ask_end(a);
	return true;
}

static bool
on_fail(struct ask *a, struct str payload)
{
	/* The reason's text must outlive the flight: it is one of ours. */
	static const struct {
		unsigned status;
		const char *why;
	} known[] = {
		{502, "the origin failed, says the owner"},
		{504, "the origin took too long, says the owner"},
		{503, "the owner is shutting down"},
		{508, "this request has been here before"},
	};
	uint64_t status;

	if (str_u64(payload, 599, &status) < 0 || status < 400)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status) {
			ask_fail(a, known[i].status, known[i].why);
			return true;
		}
	ask_fail(a, (unsigned)status, "the owner refuses");
	return true;
}

static bool
on_reply(struct peer *p, uint32_t stream, struct str json)
{
	list_foreach (it, &p->calls) {
		struct peer_call *call =
			container_of(it, struct peer_call, link);

		if (call->stream != stream)
			continue;
		list_remove(&call->link);
		call->on_reply(call, json);
		break;
	}
	return true;
}

static bool
on_frame(struct channel_user *u, enum wire_type type, uint32_t stream,
	struct str payload)
{
	struct peer *p = container_of(u, struct peer, user);
	struct ask *a = find_ask(p, stream);

	switch (type) {
	case WIRE_REPLY: return on_reply(p, stream, payload);
	/* What we cancelled may still be on its way. */
	case WIRE_HEAD: return !a || on_head(a, payload);
	case WIRE_DATA: return !a || on_data(a, payload);
	case WIRE_END: return !a || on_end(a, payload);
	case WIRE_INTERIM: return !a || on_interim(a, payload);
	case WIRE_FAIL: return !a || on_fail(a, payload);
	default: return false;
	}
}

void
peer_purge(struct peer *p, const struct purge *purge)
{
	struct buf payload = {0};

	CHECK(p->up);
	purge_put(purge, &payload);
	channel_send(p->channel, WIRE_PURGE, 0, buf_view(&payload));
	buf_fini(&payload);
}

void
peer_call(struct peer *p, struct peer_call *call)
{
	CHECK(p->up);
	call->stream = p->generation++;
	list_push_back(&p->calls, &call->link);
	channel_send(p->channel, WIRE_STATUS, call->stream, STR(""));
}

void
peer_call_cancel(struct peer_call *call)
{
	list_remove(&call->link);
}

/* --- up and down --------------------------------------------------------- */

static void
on_up(struct channel_user *u, size_t index)
{
	struct peer *p = container_of(u, struct peer, user);

	CHECK(index == p->index);
	p->up = p->dialled = true;
	log_info("peer_up peer=%s worker=%u",
		p->worker->node->config->peers[index].name, p->worker->index);
}

static void
on_down(struct channel_user *u)
{
	struct peer *p = container_of(u, struct peer, user);
	struct list *it;

	p->channel = NULL;
	p->up = false;
	p->dialled = true;
	for (size_t i = 0; i < p->nslots; i++)
		if (p->slots[i]) {
			struct flight *f = p->slots[i]->flight;

			f->peer_lost = flight_phase(f) == FLIGHT_WAITING;
			ask_fail(p->slots[i], 502, "the owner was lost");
		}
	while ((it = list_pop_front(&p->calls))) {
		struct peer_call *call =
			container_of(it, struct peer_call, link);

		call->on_reply(call, (struct str){0});
	}
	if (!p->worker->stopping)
		loop_arm(p->worker->loop, &p->redial, REDIAL_MS * NS_PER_MS);
}

static void
fill(struct channel_user *u)
{
	(void)u; /* asks are sent as they come */
}

static void
dial(struct peer *p)
{
	const struct node_config *config = p->worker->node->config;
	struct in_addr to = config->peers[p->index].addr;
	int fd = sock_connect(
		config->peers[config->self].addr, to, config->peer_port);

	if (fd >= 0)
		p->channel =
			channel_new(p->worker, fd, (int)p->index, to, &p->user);
	if (!p->channel) {
		p->dialled = true;
		loop_arm(p->worker->loop, &p->redial, REDIAL_MS * NS_PER_MS);
	}
}

static void
on_redial(struct timer *t)
{
	dial(container_of(t, struct peer, redial));
}

struct peer *
peer_new(struct worker *w, size_t index)
{
	struct peer *p = NEW(struct peer);

	p->user = (struct channel_user){on_up, on_frame, fill, on_down};
	p->worker = w;
	p->index = index;
	p->redial.on_timer = on_redial;
	list_init(&p->calls);
	dial(p);
	return p;
}

/* The worker has ended its channels before. */
void
peer_free(struct peer *p)
{
	if (!p)
		return;
	loop_disarm(p->worker->loop, &p->redial);
	CHECK(!p->channel);
	free(p->slots);
	free(p->free_slots);
	free(p);
}

bool
peer_is_up(const struct peer *p)
{
	return p->up;
}

bool
peer_is_unknown(const struct peer *p)
{
	return !p->dialled;
}
