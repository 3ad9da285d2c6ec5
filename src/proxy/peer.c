#include "proxy/peer.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/trailers.h"
#include "net/sock.h"
#include "placement/damp.h"
#include "proxy/bulk.h"
#include "proxy/channel.h"
#include "proxy/forward.h"
#include "proxy/handoff.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/purge.h"

enum {
	REDIAL_MS = 200,
	CREDIT_STEP = BODY_WINDOW / 4,
	REFUSALS_MAX = 8, /* in a row; then it is left in peace for a while */
	REFUSED_MS = 1000,
};

/* An answer that comes in pieces: the peer writes the flight. */
struct inflow {
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

/* A request that the peer answers. */
struct ask {
	uint32_t stream;
	struct exchange *x;    /* borrowed; until there is a head */
	struct inflow *inflow; /* ends itself; from then on */
};

struct peer {
	struct channel_user user;
	struct worker *worker; /* borrowed */
	size_t index;
	struct channel *channel; /* NULL while down; ends by itself */
	bool up, dialled;
	struct timer redial;

	/* By the low half of their stream's number; the upper half is a
	 * generation, so that a late frame of an ended stream finds nothing.
	 * One that is not open has neither x nor inflow. */
	struct ask *asks; /* owned */
	size_t nasks, nfree;
	uint16_t *free_slots; /* owned: a stack */
	uint16_t generation;
	struct bulks bulks;
	unsigned refusals;	/* of connections, in a row */
	uint64_t not_before_ns; /* is it to be given one again */
	struct list calls;
	uint32_t last_call;
	struct damp damp;
	uint64_t started_ns;
	uint32_t told_load; /* with its last answer */
	uint64_t told_ns;
};

enum { ASKS_MAX = 65536 };

/* --- asks ---------------------------------------------------------------- */

static void
grow(struct peer *p)
{
	size_t n = p->nasks ? 2 * p->nasks : 64;

	p->asks = xrealloc(p->asks, n * sizeof(*p->asks));
	p->free_slots = xrealloc(p->free_slots, n * sizeof(*p->free_slots));
	for (size_t i = n; i-- > p->nasks;) {
		p->asks[i] = (struct ask){0};
		p->free_slots[p->nfree++] = (uint16_t)i;
	}
	p->nasks = n;
}

static struct ask *
find_ask(struct peer *p, uint32_t stream)
{
	size_t slot = stream & 0xffff;
	struct ask *a = slot < p->nasks ? &p->asks[slot] : NULL;

	return a && a->stream == stream && (a->x || a->inflow) ? a : NULL;
}

static void
ask_end(struct peer *p, uint32_t stream)
{
	uint16_t slot = (uint16_t)stream;

	p->asks[slot] = (struct ask){0};
	p->free_slots[p->nfree++] = slot;
}

static bool
has_slot(const struct peer *p)
{
	return p->nfree || p->nasks < ASKS_MAX;
}

bool
peer_takes(const struct peer *p)
{
	return p->up && channel_is_sealed(p->channel) && has_slot(p) &&
		loop_now_ns(p->worker->loop) >= p->not_before_ns;
}

/* There is a slot. */
static void
open_ask(struct peer *p, struct exchange *x)
{
	if (!p->nfree)
		grow(p);
	x->stream = (uint32_t)p->generation++ << 16 | p->free_slots[--p->nfree];
	x->asking = true;
	p->asks[x->stream & 0xffff] = (struct ask){x->stream, x, NULL};
}

_Atomic uint64_t *
peer_counter(const struct exchange *x)
{
	struct counters *c = &x->worker->counters;

	switch (x->fill) {
	case FILL_ASKS:
	case FILL_CACHED: return &c->fills;
	case FILL_WARMS: return &c->offers;
	default: return &c->relayed;
	}
}

static enum forward_to
form_of(const struct exchange *x)
{
	switch (x->fill) {
	case FILL_ASKS: return TO_FILL;
	case FILL_CACHED: return TO_FILL_CACHED;
	default: return TO_PEER;
	}
}

void
peer_ask(struct peer *p, struct exchange *x)
{
	bool offers =
		x->on_owner && x->head.method == METHOD_GET && peer_takes(p);
	uint64_t size = htobe64(offers ? handoff_threshold(p->worker) : 0);
	struct buf *out;

	CHECK(p->up);
	count(peer_counter(x), 1);
	if (!has_slot(p)) {
		exchange_fail(x, 503, "too many requests to one peer");
		return;
	}
	open_ask(p, x);
	out = channel_begin(p->channel);
	if (offers)
		buf_append(out, &size, sizeof(size));
	forward_request(x, form_of(x), out);
	buf_str(out, STR("\r\n"));
	channel_end(p->channel,
		offers				? WIRE_OFFER
			: form_of(x) == TO_PEER ? WIRE_ASK
						: WIRE_FILL,
		x->stream);
}

void
peer_cancel(struct peer *p, struct exchange *x)
{
	x->asking = false;
	ask_end(p, x->stream);
	channel_send(p->channel, WIRE_CANCEL, x->stream, STR(""));
}

/* --- connections ---------------------------------------------------------- */

bool
peer_wait_us(const struct peer *p, double *out)
{
	return p->up && channel_wait_us(p->channel, out);
}

void
peer_move(struct peer *p, struct exchange *x, struct str text)
{
	/* An offer's stream goes on. */
	if (!x->asking)
		open_ask(p, x);
	if (!channel_send_sealed(p->channel, WIRE_MOVE, x->stream, text))
		channel_close(p->channel, "it can't be sealed");
}

void
peer_go(struct peer *p, struct exchange *x)
{
	x->asking = false;
	ask_end(p, x->stream);
	if (!channel_send_sealed(p->channel, WIRE_GO, x->stream, STR("")))
		channel_close(p->channel, "it can't be sealed");
}

static void
note_refusal(struct peer *p, bool refused)
{
	p->refusals = refused ? p->refusals + 1 : 0;
	if (p->refusals >= REFUSALS_MAX)
		p->not_before_ns =
			loop_now_ns(p->worker->loop) + REFUSED_MS * NS_PER_MS;
}

static bool
on_moved(
	struct peer *p, uint32_t stream, enum wire_type type, struct str sealed)
{
	struct ask *a = find_ask(p, stream);
	struct buf none = {0};
	bool fine =
		channel_open_sealed(p->channel, type, stream, sealed, &none);
	struct exchange *x = a ? a->x : NULL;

	buf_fini(&none);
	/* What we have taken back may still be spoken of. */
	if (!fine || !a)
		return fine;
	if (!x || !x->moving)
		return false;
	if (type == WIRE_REFUSED) {
		ask_end(p, stream);
		x->asking = false;
	}
	note_refusal(p, type == WIRE_REFUSED);
	x->on_move(x, type == WIRE_TAKEN ? MOVE_ON_TAKEN : MOVE_ON_REFUSED);
	return true;
}

/* It would rather have the connection than answer. */
static bool
on_take(struct peer *p, struct ask *a, struct str payload)
{
	struct exchange *x = a->x;
	uint64_t bytes;

	if (!x || x->moving || payload.n != sizeof(bytes))
		return false;
	memcpy(&bytes, payload.p, sizeof(bytes));
	handoff_learn(x, be64toh(bytes));
	count(&p->worker->counters.relayed, (uint64_t)-1);
	if (x->on_owner && x->on_owner(x, p, true))
		return true;
	peer_cancel(p, x);
	x->on_owner = NULL;
	peer_ask(p, x);
	return true;
}

/* --- answers in pieces ---------------------------------------------------- */

static void
bury_inflow(struct grave *g)
{
	free(container_of(g, struct inflow, grave));
}

/* The flight has been ended. */
static void
inflow_end(struct inflow *i)
{
	struct peer *p = i->peer;

	ask_end(p, i->stream);
	wake_cancel(&i->wake);
	flight_unref(take_ptr(&i->flight));
	loop_bury(p->worker->loop, &i->grave);
}

static void
inflow_fail(struct inflow *i, unsigned status, const char *why)
{
	flight_fail(i->flight, status, why);
	inflow_end(i);
}

static void
on_wake(struct wake *w)
{
	struct inflow *i = container_of(w, struct inflow, wake);
	struct channel *ch = i->peer->channel;
	struct body *body = &i->flight->body;
	uint64_t consumed = body_consumed(body);
	uint32_t credit;

	if (body_orphaned(body)) {
		channel_send(ch, WIRE_CANCEL, i->stream, STR(""));
		inflow_fail(i, 499, "nobody reads this any more");
		return;
	}
	if (consumed - i->credited < CREDIT_STEP)
		return;
	credit = htonl((uint32_t)(consumed - i->credited));
	i->credited = consumed;
	channel_send(ch, WIRE_CREDIT, i->stream,
		str_of((char *)&credit, sizeof(credit)));
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct inflow, tap)->wake);
}

static void
inflow_start(struct peer *p, struct ask *a, const struct response *r)
{
	struct exchange *x = take_ptr(&a->x);
	struct inflow *i = NEW(struct inflow);

	i->peer = p;
	i->stream = a->stream;
	i->flight = flight_new(&p->worker->node->flight);
	i->method = x->head.method;
	i->tap.on_consumed = on_consumed;
	i->grave.bury = bury_inflow;
	wake_init(&i->wake, p->worker->loop, on_wake);
	body_set_tap(&i->flight->body, &i->tap);
	a->inflow = i;
	exchange_follow(x, flight_ref(i->flight));
	flight_ready(i->flight, r);
}

/* --- frames of answers ---------------------------------------------------- */

static struct response
response_of(const struct wire_head *h)
{
	return (struct response){.status = h->status,
		.fields = h->fields,
		.length = h->length,
		.why_not = "relayed"};
}

static bool
has_length(const struct exchange *x, const struct wire_head *h, uint64_t n)
{
	if (x->head.method == METHOD_HEAD || h->length < 0)
		return n == 0;
	return n == (uint64_t)h->length;
}

static void
take_load(struct peer *p, const struct wire_head *h)
{
	p->told_load = h->load;
	p->told_ns = loop_now_ns(p->worker->loop);
}

static bool
on_answer(struct peer *p, struct ask *a, struct str payload)
{
	struct exchange *x = a->x;
	struct wire_head h;
	struct response r;

	if (!x || !wire_head_take(&payload, &h) || h.bulk ||
		!has_length(x, &h, payload.n))
		return false;
	r = response_of(&h);
	handoff_learn(x, payload.n);
	ask_end(p, a->stream);
	take_load(p, &h);
	exchange_answer(x, &r, payload);
	return true;
}

/* The body comes on a bulk connection; if that was lost, so is the answer. */
static bool
on_bulk(struct peer *p, struct ask *a, uint32_t number,
	const struct response *r)
{
	struct exchange *x = a->x;
	struct bulk *b = bulks_find(&p->bulks, number);

	ask_end(p, a->stream);
	if (b)
		return exchange_splice(x, r, b);
	exchange_lost(x);
	return true;
}

/* The peer says what goes to the client as it is. */
static bool
on_interim(struct ask *a, struct str payload)
{
	struct head h;

	if (!a->x || head_parse_own_response(payload, &h) != HEAD_DONE ||
		h.bytes != payload.n || h.status >= 200 || h.status == 101)
		return false;
	if (a->x->on_interim)
		a->x->on_interim(a->x, h.status, payload);
	return true;
}

static bool
on_head(struct peer *p, struct ask *a, struct str payload)
{
	struct wire_head h;
	struct response r;

	if (!a->x || !wire_head_take(&payload, &h) || payload.n)
		return false;
	r = response_of(&h);
	take_load(p, &h);
	if (h.length > 0)
		handoff_learn(a->x, (uint64_t)h.length);
	if (h.bulk)
		return on_bulk(p, a, h.bulk, &r);
	if (h.length >= WIRE_BULK_MIN && a->x->head.method != METHOD_HEAD)
		bulks_want(&p->bulks);
	inflow_start(p, a, &r);
	return true;
}

/* To what we have cancelled. A body may be on its way for it. */
static bool
on_late_head(struct peer *p, struct str payload)
{
	struct wire_head h;
	struct bulk *b;

	if (!wire_head_take(&payload, &h))
		return false;
	b = h.bulk ? bulks_find(&p->bulks, h.bulk) : NULL;
	return !b || bulk_drop(b);
}

static bool
on_data(struct inflow *i, struct str payload)
{
	struct body *body;
	uint64_t filled;

	if (!i)
		return false;
	body = &i->flight->body;
	filled = body_filled(body) + payload.n;
	if (filled > i->credited + BODY_WINDOW)
		return false;
	if (i->flight->response.length >= 0 &&
		filled > (uint64_t)i->flight->response.length)
		return false;
	body_append(body, payload.p, payload.n);
	return true;
}

static bool
on_end(struct inflow *i, struct str payload)
{
	struct buf trailers = {0};
	struct flight *f;

	if (!i)
		return false;
	f = i->flight;
	if (f->response.length >= 0 && i->method != METHOD_HEAD &&
		body_filled(&f->body) != (uint64_t)f->response.length)
		return false;
	trailers_put(payload, &trailers);
	flight_end(f, buf_view(&trailers));
	buf_fini(&trailers);
	inflow_end(i);
	return true;
}

static bool
on_fail(struct peer *p, struct ask *a, struct str payload)
{
	/* The reason's text must outlive the frame: it is one of ours. */
	static const struct {
		unsigned status;
		const char *why;
	} known[] = {
		{502, "the origin failed, says the owner"},
		{504, "the origin took too long, says the owner"},
		{503, "the owner is shutting down"},
		{508, "this request has been here before"},
	};
	const char *why = "the owner refuses";
	struct exchange *x = a->x;
	uint64_t status;

	if (str_u64(payload, 599, &status) < 0 || status < 400)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status)
			why = known[i].why;
	if (a->inflow) {
		inflow_fail(a->inflow, (unsigned)status, why);
		return true;
	}
	ask_end(p, a->stream);
	x->asking = false;
	exchange_fail(x, (unsigned)status, why);
	return true;
}

static bool
on_elsewhere(struct peer *p, struct ask *a, struct str name)
{
	int i = membership_find(p->worker->node, name);
	struct exchange *x = a->x;

	if (!x)
		return false;
	ask_end(p, a->stream);
	if (i < 0 || (size_t)i == p->index)
		exchange_lost(x);
	else
		exchange_redirected(x, (size_t)i);
	return true;
}

static bool
on_reply(struct peer *p, uint32_t stream, struct str reply)
{
	list_foreach (it, &p->calls) {
		struct peer_call *call =
			container_of(it, struct peer_call, link);

		if (call->stream != stream)
			continue;
		list_remove(&call->link);
		call->on_reply(call, reply);
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
	case WIRE_REPLY:
	case WIRE_PURGED: return on_reply(p, stream, payload);
	case WIRE_ELSEWHERE: return !a || on_elsewhere(p, a, payload);
	/* What we cancelled may still be on its way. */
	case WIRE_INTERIM: return !a || on_interim(a, payload);
	case WIRE_ANSWER: return !a || on_answer(p, a, payload);
	case WIRE_HEAD:
		return a ? on_head(p, a, payload) : on_late_head(p, payload);
	case WIRE_DATA: return !a || on_data(a->inflow, payload);
	case WIRE_END: return !a || on_end(a->inflow, payload);
	case WIRE_FAIL: return !a || on_fail(p, a, payload);
	case WIRE_TAKE: return !a || on_take(p, a, payload);
	case WIRE_TAKEN:
	case WIRE_REFUSED: return on_moved(p, stream, type, payload);
	default: return false;
	}
}

void
peer_send(struct peer *p, enum wire_type type, struct str payload)
{
	CHECK(p->up);
	channel_send(p->channel, type, 0, payload);
}

void
peer_call(struct peer *p, struct peer_call *call, enum wire_type type,
	struct str payload)
{
	CHECK(p->up);
	call->stream = ++p->last_call;
	list_push_back(&p->calls, &call->link);
	channel_send(p->channel, type, call->stream, payload);
}

void
peer_call_cancel(struct peer_call *call)
{
	list_remove(&call->link);
}

static void
tell_roster(struct peer *p)
{
	struct buf payload = {0};

	membership_put(p->worker->node, &payload);
	channel_send(p->channel, WIRE_VIEW, 0, buf_view(&payload));
	buf_fini(&payload);
}

void
peer_tell_all(struct worker *w)
{
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (w->peers[i] && w->peers[i]->up)
			tell_roster(w->peers[i]);
}

/* --- up and down --------------------------------------------------------- */

static void
on_up(struct channel_user *u, size_t index, const struct hello *theirs)
{
	struct peer *p = container_of(u, struct peer, user);

	CHECK(index == p->index);
	p->up = p->dialled = true;
	atomic_fetch_add(&p->worker->node->links[index], 1);
	p->started_ns = clock_mono_ns() - theirs->uptime_ms * NS_PER_MS;
	p->told_load = 0;
	damp_rise(&p->damp, loop_now_ns(p->worker->loop));
	log_info("peer_up peer=%s worker=%u",
		membership_name(p->worker->node, index), p->worker->index);
	/* Before anything is asked of it. */
	purge_resend(p->worker, index);
	tell_roster(p);
}

/* Whoever has seen nothing yet asks another one. */
static void
lose_asks(struct peer *p)
{
	for (size_t i = 0; i < p->nasks; i++) {
		struct ask *a = &p->asks[i];
		struct exchange *x = a->x;

		if (a->inflow)
			inflow_fail(a->inflow, 502, "the owner was lost");
		if (!x)
			continue;
		ask_end(p, a->stream);
		exchange_lost(x);
	}
}

static void
on_down(struct channel_user *u)
{
	struct peer *p = container_of(u, struct peer, user);
	struct worker *w = p->worker;
	struct list *it;

	if (w->node->handoff && w->index == 0 &&
		channel_host_is_silent(p->channel))
		steer_bury(w->node->handoff->steer,
			membership_addr(w->node, p->index));
	p->channel = NULL;
	if (p->up) {
		damp_fall(&p->damp, loop_now_ns(w->loop));
		atomic_fetch_sub(&w->node->links[p->index], 1);
	}
	p->up = false;
	p->dialled = true;
	bulks_close(&p->bulks);
	lose_asks(p);
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
on_free(struct bulks *bs, uint32_t number)
{
	struct peer *p = container_of(bs, struct peer, bulks);

	channel_send(p->channel, WIRE_FREE, number, STR(""));
}

static void
dial(struct peer *p)
{
	const struct node_config *config = p->worker->node->config;
	struct in_addr to = membership_addr(p->worker->node, p->index);
	int fd = sock_connect(
		config->peers[config->self].addr, to, config->peer_port);

	if (fd >= 0)
		p->channel = channel_dialled(
			p->worker, fd, p->index, p->bulks.key, &p->user);
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
	bulks_init(&p->bulks, w, index);
	p->bulks.on_free = on_free;
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
	free(p->asks);
	free(p->free_slots);
	free(p);
}

bool
peer_is_up(const struct peer *p)
{
	return p->up;
}

bool
peer_is_trusted(const struct peer *p)
{
	return p->up && damp_is_over(&p->damp, loop_now_ns(p->worker->loop));
}

uint64_t
peer_started_ns(const struct peer *p)
{
	return p->started_ns;
}

uint32_t
peer_load(const struct peer *p)
{
	uint32_t asked = (uint32_t)(p->nasks - p->nfree), told = p->told_load;
	uint32_t heard;

	/* Whoever is asked by nobody here says nothing with answers. */
	if (loop_now_ns(p->worker->loop) - p->told_ns > NS_PER_S / 4 &&
		heat_load(p->worker->node, p->index, &heard))
		told = heard;
	return told > asked ? told : asked;
}

bool
peer_is_unknown(const struct peer *p)
{
	return !p->dialled;
}
