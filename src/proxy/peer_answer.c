#include "base/own.h"
#include "proxy/handoff.h"
#include "proxy/membership.h"
#include "proxy/peer_internal.h"

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
	ask_heard(p, a);
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
	return i && inflow_data(i, payload);
}

static bool
on_end(struct inflow *i, struct str trailers)
{
	return i && inflow_done(i, trailers);
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

bool
peer_on_answer(
	struct peer *p, struct ask *a, enum wire_type type, struct str payload)
{
	switch (type) {
	case WIRE_ELSEWHERE: return !a || on_elsewhere(p, a, payload);
	case WIRE_INTERIM: return !a || on_interim(a, payload);
	case WIRE_ANSWER: return !a || on_answer(p, a, payload);
	case WIRE_HEAD:
		return a ? on_head(p, a, payload) : on_late_head(p, payload);
	case WIRE_DATA: return !a || on_data(a->inflow, payload);
	case WIRE_END: return !a || on_end(a->inflow, payload);
	case WIRE_FAIL: return !a || on_fail(p, a, payload);
	default: return false;
	}
}
