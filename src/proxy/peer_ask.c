#include <endian.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/forward.h"
#include "proxy/handoff.h"
#include "proxy/peer_internal.h"

enum { ASKS_MAX = 65536 };

/* --- those that are open -------------------------------------------------- */

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

struct ask *
ask_find(struct peer *p, uint32_t stream)
{
	size_t slot = stream & 0xffff;
	struct ask *a = slot < p->nasks ? &p->asks[slot] : NULL;

	return a && a->stream == stream && (a->x || a->inflow) ? a : NULL;
}

static void
ask_waits(struct peer *p, const struct exchange *x)
{
	size_t at = x->placed.hash % WORKER_WAITING;

	p->worker->waiting[at]++;
	p->worker->nwaiting++;
	p->asks[x->stream & 0xffff].waits = (uint16_t)(at + 1);
}

void
ask_heard(struct peer *p, struct ask *a)
{
	if (!a->waits)
		return;
	p->worker->waiting[a->waits - 1]--;
	p->worker->nwaiting--;
	a->waits = 0;
}

void
ask_end(struct peer *p, uint32_t stream)
{
	uint16_t slot = (uint16_t)stream;

	ask_heard(p, &p->asks[slot]);
	p->asks[slot] = (struct ask){0};
	p->free_slots[p->nfree++] = slot;
}

bool
ask_has_slot(const struct peer *p)
{
	return p->nfree || p->nasks < ASKS_MAX;
}

void
ask_open(struct peer *p, struct exchange *x)
{
	if (!p->nfree)
		grow(p);
	x->stream = (uint32_t)p->generation++ << 16 | p->free_slots[--p->nfree];
	x->asking = true;
	p->asks[x->stream & 0xffff] = (struct ask){.stream = x->stream, .x = x};
}

/* --- asking --------------------------------------------------------------- */

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

static void
put_head(const struct exchange *x, struct buf *out)
{
	forward_request(x, form_of(x), out);
	buf_str(out, STR("\r\n"));
}

static void
send_question(struct peer *p, const struct exchange *x)
{
	struct buf *out = channel_begin(p->channel);

	wire_client_put(&x->client, out);
	put_head(x, out);
	channel_end(p->channel, form_of(x) == TO_PEER ? WIRE_ASK : WIRE_FILL,
		x->stream);
}

static void
send_offer(struct peer *p, const struct exchange *x)
{
	uint64_t size = htobe64(handoff_threshold(p->worker));
	struct buf *out = channel_begin(p->channel);

	put_head(x, &p->offer);
	buf_append(out, &size, sizeof(size));
	wire_client_put(&x->client, out);
	channel_put_head(p->channel, buf_view(&p->offer));
	channel_end(p->channel, WIRE_OFFER, x->stream);
	buf_consume(&p->offer, buf_len(&p->offer));
}

void
peer_ask(struct peer *p, struct exchange *x)
{
	bool offers =
		x->on_owner && x->head.method == METHOD_GET && peer_takes(p);

	CHECK(p->up);
	count(peer_counter(x), 1);
	if (!ask_has_slot(p)) {
		exchange_fail(x, 503, "too many requests to one peer");
		return;
	}
	ask_open(p, x);
	if (x->fill == FILL_NONE)
		ask_waits(p, x);
	if (offers)
		send_offer(p, x);
	else
		send_question(p, x);
}

void
peer_cancel(struct peer *p, struct exchange *x)
{
	x->asking = false;
	ask_end(p, x->stream);
	channel_send(p->channel, WIRE_CANCEL, x->stream, STR(""));
}

void
ask_lose_all(struct peer *p)
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
