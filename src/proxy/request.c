#include "proxy/request.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "proxy/tunnel.h"

enum {
	STAYING = 64,
	ANSWERS_IN_A_ROW = 64,
	SPARE_BYTES = 64 * 1024, /* of a spare buffer at most */
};

static void
borrow(struct buf *b, struct spare_bufs *spare)
{
	if (!b->p && spare->n)
		*b = spare->v[--spare->n];
}

static void
lend(struct buf *b, struct spare_bufs *spare)
{
	if (!b->p || buf_len(b))
		return;
	if (spare->n == SPARE_BUFS || b->cap > SPARE_BYTES) {
		buf_fini(b);
		return;
	}
	spare->v[spare->n++] = *b;
	*b = (struct buf){0};
}

static void
drop(struct spare_bufs *spare)
{
	while (spare->n)
		buf_fini(&spare->v[--spare->n]);
}

void
request_borrow(struct request *q)
{
	borrow(&q->in, &q->worker->spare_in);
	borrow(&q->reply.out, &q->worker->spare_out);
}

static void
lend_both(struct request *q)
{
	lend(&q->in, &q->worker->spare_in);
	lend(&q->reply.out, &q->worker->spare_out);
}

struct request *
request_get(struct worker *w, struct conn *c, void (*on_wake)(struct wake *w))
{
	struct request *q;

	if (w->nrequests) {
		q = w->requests[--w->nrequests];
	} else {
		q = NEW(struct request);
		q->worker = w;
		upload_init(&q->upload, w->loop, on_wake);
	}
	q->conn = c;
	request_borrow(q);
	return q;
}

static unsigned
status_of(enum head_result r)
{
	switch (r) {
	case HEAD_LINE_TOO_LONG: return 414;
	case HEAD_FIELD_TOO_LONG:
	case HEAD_TOO_LARGE:
	case HEAD_TOO_MANY_FIELDS: return 431;
	case HEAD_VERSION: return 505;
	default: return 400;
	}
}

int
request_parse(struct request *q, struct exchange **x, struct route_error *error)
{
	struct exchange *parsed;
	enum head_result r;

	if (!buf_len(&q->in))
		return -EAGAIN;
	parsed = exchange_get(q->worker);
	r = head_parse_request_within(
		buf_view(&q->in), &q->worker->node->head_limits, &parsed->head);
	if (r == HEAD_DONE) {
		*x = parsed;
		return 0;
	}
	if (r != HEAD_MORE)
		*error = (struct route_error){status_of(r), parsed->head.error};
	exchange_put(parsed);
	return r == HEAD_MORE ? -EAGAIN : -EINVAL;
}

void
request_keep_head(struct request *q)
{
	if (!q->x || q->x->kept)
		return;
	exchange_keep(q->x);
	buf_consume(&q->in, q->head_bytes);
	q->head_bytes = 0;
}

void
request_wait(struct request *q)
{
	struct worker *w = q->worker;

	if (!q->stays && q->x && !q->x->kept && w->nstaying < STAYING) {
		q->stays = true;
		w->nstaying++;
	}
	if (!q->stays)
		request_keep_head(q);
	lend_both(q);
}

void
request_hold(struct request *q)
{
	struct worker *w = q->worker;

	list_push_back(&w->unsent, &q->unsent);
	if (w->nunsent++ == 0)
		loop_defer(w->loop, &w->send_unsent);
}

static void
unhold(struct request *q)
{
	if (list_linked(&q->unsent)) {
		list_remove(&q->unsent);
		q->worker->nunsent--;
	}
}

struct request *
request_unsent(struct worker *w)
{
	struct request *q;

	if (list_empty(&w->unsent))
		return NULL;
	q = container_of(w->unsent.next, struct request, unsent);
	unhold(q);
	return q;
}

bool
request_yields(struct request *q)
{
	struct worker *w = q->worker;

	if (++q->answered < ANSWERS_IN_A_ROW)
		return false;
	q->answered = 0;
	if (!list_linked(&q->yielding))
		list_push_back(&w->yielding, &q->yielding);
	loop_arm(w->loop, &w->go_on, 0);
	return true;
}

void
request_release(struct request *q)
{
	q->worker->nstaying -= q->stays;
	q->stays = false;
	exchange_put(take_ptr(&q->x));
	buf_consume(&q->in, q->head_bytes);
	q->head_bytes = 0;
}

void
request_next(struct request *q)
{
	upload_end(&q->upload);
	request_release(q);
	q->pace = (struct pace){0};
	q->held = false;
	reply_reset(&q->reply);
}

void
request_put(struct request *q)
{
	unhold(q);
	request_next(q);
	tunnel_free(take_ptr(&q->tunnel));
	buf_consume(&q->in, buf_len(&q->in));
	request_spare(q);
}

void
request_spare(struct request *q)
{
	struct worker *w = q->worker;

	list_remove(&q->yielding);
	lend_both(q);
	if (w->nrequests == SPARE_REQUESTS) {
		free(q);
		return;
	}
	w->requests[w->nrequests++] = q;
}

void
request_drop_spares(struct worker *w)
{
	while (w->nrequests)
		free(w->requests[--w->nrequests]);
	drop(&w->spare_in);
	drop(&w->spare_out);
}
