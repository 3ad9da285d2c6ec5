#include <errno.h>

#include "net/proxyproto.h"
#include "net/sock.h"
#include "proxy/conn_internal.h"

static void
on_wake(struct wake *w)
{
	conn_run(container_of(w, struct request, upload.wake)->conn);
}

struct buf *
conn_input(struct conn *c)
{
	if (!c->request)
		c->request = request_get(c->client.worker, c, on_wake);
	return &c->request->in;
}

/* More of a head, or of what goes before the first. Once it has begun, it has
 * so long to be complete. */
static bool
await_head(struct conn *c)
{
	bool empty = !buf_len(&c->request->in);

	if (c->client.eof || (c->client.worker->stopping && empty)) {
		conn_end(c);
		return false;
	}
	if (!empty && !c->partial) {
		c->partial = true;
		client_set_deadline(
			&c->client, conn_config(c)->head_timeout_ns);
	}
	return conn_read(c) || (!conn_is_closed(c) && c->client.eof);
}

/* --- the PROXY header ----------------------------------------------------- */

static void
learn_client(struct conn *c, const struct proxyproto *p)
{
	if (p->local)
		return;
	c->tls = p->tls;
	if (p->family == PROXYPROTO_IPV4)
		c->addr = sock_mapped(p->source.v4);
	else if (p->family == PROXYPROTO_IPV6)
		c->addr = p->source.v6;
}

bool
conn_step_greeting(struct conn *c)
{
	struct buf *in = conn_input(c);
	struct proxyproto p;

	switch (proxyproto_parse(buf_view(in), &p)) {
	case PROXYPROTO_MORE: return await_head(c);
	case PROXYPROTO_BAD:
		count(&c->client.worker->counters.proxy_refused, 1);
		conn_end(c);
		return false;
	case PROXYPROTO_DONE: break;
	}
	learn_client(c, &p);
	buf_consume(in, p.bytes);
	c->state = CONN_HEAD;
	c->partial = false;
	client_set_deadline(&c->client, conn_config(c)->idle_timeout_ns);
	return true;
}

/* --- a request ------------------------------------------------------------ */

static void
on_ready(struct exchange *x)
{
	struct worker *w = x->worker;

	conn_run(((struct request *)x->user)->conn);
	conn_send_some(w);
}

static void
on_interim(struct exchange *x, unsigned status, struct str head)
{
	struct request *q = x->user;

	/* Nobody else waits for a 100. */
	if (status == 100 && !q->upload.expected)
		return;
	if (status == 100)
		q->upload.expected = false;
	reply_interim(&q->reply, x, head);
	wake_post(&q->upload.wake);
}

void
conn_refuse(struct conn *c, struct route_error error)
{
	count(&c->client.worker->counters.requests, 1);
	count(&c->client.worker->counters.refused, 1);
	c->request->keep_alive = false;
	reply_error(&c->request->reply, conn_config(c), false, error, false);
	c->state = CONN_ANSWER;
}

/* x has the head. */
static void
begin(struct conn *c, struct exchange *x)
{
	struct request *q = c->request;
	uint64_t body_max = conn_config(c)->limits.body_bytes;
	struct route_error error;
	struct frame frame;

	c->partial = false;
	if (upload_frame(&x->head, body_max, &frame, &error) < 0) {
		exchange_put(x);
		conn_refuse(c, error);
		return;
	}
	count(&c->client.worker->counters.requests, 1);
	c->client.deadline_ns = 0;
	q->keep_alive =
		head_keep_alive(&x->head) && !c->client.worker->stopping;
	q->x = x;
	q->head_bytes = x->head.bytes;
	x->user = q;
	x->on_ready = on_ready;
	x->on_interim = on_interim;
	x->client = c->addr;
	if (c->tls)
		exchange_by_tls(x);
	conn_give_may(c, x);
	upload_begin(&q->upload, &x->head, frame, body_max,
		&c->client.worker->node->flight);
	if (q->upload.flight)
		x->upload = flight_ref(q->upload.flight);
	c->state = CONN_ANSWER;
	exchange_start(x, buf_head(&q->in));
	if (x->upload)
		request_keep_head(q);
}

bool
conn_step_head(struct conn *c)
{
	struct route_error error;
	struct exchange *x;

	(void)conn_input(c);
	switch (request_parse(c->request, &x, &error)) {
	case 0: begin(c, x); return true;
	case -EAGAIN: return await_head(c);
	default: conn_refuse(c, error); return true;
	}
}
