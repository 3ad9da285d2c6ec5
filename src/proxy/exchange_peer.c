/* What the peer says that was asked. */
#include "proxy/bulk.h"
#include "proxy/exchange_internal.h"
#include "proxy/owner.h"
#include "proxy/peer.h"

/* What is left of the answer is needed for longer. */
static void
keep_answer(struct exchange *x)
{
	struct str *fields = &x->response.fields;

	*fields = arena_copy(&x->arena, *fields);
	content_keep(&x->content, &x->arena);
}

void
exchange_answer(struct exchange *x, const struct response *r, struct str body)
{
	struct worker *w = x->worker;

	x->asking = false;
	x->known = true;
	x->response = *r;
	content_of_text(&x->content, body);
	w->answering = x;
	x->on_ready(x);
	/* It may have ended, and be another one's already. */
	if (w->answering == x)
		keep_answer(x);
	w->answering = NULL;
}

static void
on_bulk(void *user)
{
	struct exchange *x = user;

	x->on_ready(x);
}

bool
exchange_splice(struct exchange *x, const struct response *r, struct bulk *b)
{
	if (!bulk_begin(b, (uint64_t)r->length, on_bulk, x))
		return false;
	x->asking = false;
	x->known = true;
	x->response = *r;
	x->response.fields = arena_copy(&x->arena, r->fields);
	content_of_bulk(&x->content, b);
	count(&x->worker->counters.spliced, 1);
	x->on_ready(x);
	return true;
}

void
exchange_follow(struct exchange *x, struct flight *f)
{
	x->asking = false;
	(void)exchange_read_flight(x, f, FROM_PEER);
}

void
exchange_stay(struct exchange *x)
{
	x->on_owner = NULL;
	exchange_restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}

void
exchange_redirected(struct exchange *x, size_t index)
{
	if (x->redirected || x->fill != FILL_NONE) {
		exchange_lost(x);
		return;
	}
	x->asking = false;
	x->redirected = true;
	count(peer_counter(x), (uint64_t)-1);
	/* It may be ourselves. */
	owner_learn(x, index);
	exchange_restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}

void
exchange_lost(struct exchange *x)
{
	struct counters *c = &x->worker->counters;

	x->asking = false;
	if (x->fill == FILL_ASKS || x->fill == FILL_CACHED) {
		exchange_fail(x, 502, "the peer was lost");
		return;
	}
	if (x->moving) {
		x->passed_over |= UINT64_C(1) << x->owner;
		x->on_move(x, MOVE_ON_LOST);
		return;
	}
	x->passed_over |= UINT64_C(1) << x->owner;
	count(&c->retries, 1);
	count(peer_counter(x), (uint64_t)-1);
	exchange_restart(x);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		wake_post(&x->wake);
}
