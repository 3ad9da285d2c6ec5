#include "proxy/inflow.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "http/trailers.h"
#include "proxy/peer_internal.h"

enum { CREDIT_STEP = BODY_WINDOW / 4 };

struct inflow {
	struct peer *peer; /* borrowed */
	uint32_t stream;
	struct flight *flight; /* counted */
	enum method method;
	uint64_t credited; /* bytes of credit given beyond the first window */
	struct tap tap;
	struct wake wake;
	struct grave grave;
};

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

void
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

void
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

bool
inflow_data(struct inflow *i, struct str payload)
{
	struct body *body = &i->flight->body;
	uint64_t filled = body_filled(body) + payload.n;

	if (filled > i->credited + BODY_WINDOW)
		return false;
	if (i->flight->response.length >= 0 &&
		filled > (uint64_t)i->flight->response.length)
		return false;
	body_append(body, payload.p, payload.n);
	return true;
}

bool
inflow_done(struct inflow *i, struct str text)
{
	struct buf trailers = {0};
	struct flight *f = i->flight;

	if (f->response.length >= 0 && i->method != METHOD_HEAD &&
		body_filled(&f->body) != (uint64_t)f->response.length)
		return false;
	trailers_put(text, &trailers);
	flight_end(f, buf_view(&trailers));
	buf_fini(&trailers);
	inflow_end(i);
	return true;
}
