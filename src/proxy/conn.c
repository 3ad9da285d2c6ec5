#include "proxy/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/chunk.h"
#include "proxy/answer.h"
#include "proxy/bulk.h"
#include "proxy/intake.h"
#include "proxy/send.h"

enum {
	READ_BYTES = 16 * 1024,
	CHUNK_BYTES = 16 * 1024, /* of an answer of unknown length */
	JOIN_BYTES = 4 * 1024,	 /* of a body that is copied to its head */
	OUT_MAX = 64 * 1024,	 /* written ahead of the socket at most */
	LINGER_NS = 2000000000,
	LINGER_BYTES = 1024 * 1024,
	SPARE_REQUESTS = 256,
	SPARE_BYTES = 64 * 1024, /* of a spare buffer at most */
};

enum conn_state { CONN_HEAD, CONN_ANSWER, CONN_LINGER };

/* What a connection has while a request is being read or answered. */
struct request {
	struct list link;   /* in worker->requests while it is spare */
	struct conn *conn;  /* borrowed */
	struct buf in, out; /* see pick_up() */
	struct exchange *x; /* owned; in CONN_ANSWER */
	size_t head_bytes;  /* at the start of in, that x still looks at */

	/* the request's body, which streams into x->upload */
	struct intake intake;
	bool upload_done;
	struct tap tap; /* the upload's: there is room again */
	struct wake wake;

	/* the answer */
	bool head_written, ended;
	struct answer answer;
};

struct conn {
	struct source io;
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->conns */
	union {
		struct timer timer; /* at deadline_ns or earlier */
		struct grave grave; /* at the end */
	};
	uint64_t deadline_ns;	 /* 0: none */
	struct request *request; /* owned; NULL while idle */
	struct in_addr peer;
	uint32_t lingered; /* bytes */
	enum conn_state state : 8;
	bool readable : 1, writable : 1;
	bool hung_up : 1;    /* the end is to be read, behind what is there */
	bool eof : 1;	     /* ... and has been */
	bool keep_alive : 1; /* after this answer */
	bool partial : 1;    /* part of a head is there: its time runs */
};

static_assert(sizeof(struct conn) <= 112, "what an idle client costs");

static void run(struct conn *c);

static void
bury(struct grave *g)
{
	free(container_of(g, struct conn, grave));
}

/* --- buffers ------------------------------------------------------------- */

/* Many requests wait, few are being read or written: what is empty goes from
 * hand to hand. */
static struct buf *
pick_up(struct buf *b, struct buf *spare)
{
	if (!b->p) {
		*b = *spare;
		*spare = (struct buf){0};
	}
	return b;
}

static void
put_down(struct buf *b, struct buf *spare)
{
	if (!b->p || buf_len(b))
		return;
	if (spare->p || b->cap > SPARE_BYTES) {
		buf_fini(b);
		return;
	}
	*spare = *b;
	*b = (struct buf){0};
}

static void
put_down_both(struct worker *w, struct request *q)
{
	put_down(&q->in, &w->spare_in);
	put_down(&q->out, &w->spare_out);
}

/* --- a connection's request ----------------------------------------------- */

static void on_consumed(struct tap *t);
static void on_wake(struct wake *w);

static struct request *
request_get(struct conn *c)
{
	struct list *spare = list_pop_front(&c->worker->requests);
	struct request *q;

	if (spare) {
		c->worker->nrequests--;
		q = container_of(spare, struct request, link);
	} else {
		q = NEW(struct request);
		list_init(&q->link);
		q->tap.on_consumed = on_consumed;
		wake_init(&q->wake, c->worker->loop, on_wake);
	}
	q->conn = c;
	return q;
}

/* Its exchange has ended. */
static void
request_put(struct worker *w, struct request *q)
{
	wake_cancel(&q->wake);
	buf_consume(&q->in, buf_len(&q->in));
	buf_consume(&q->out, buf_len(&q->out));
	put_down_both(w, q);
	if (w->nrequests == SPARE_REQUESTS) {
		free(q);
		return;
	}
	list_push_front(&w->requests, &q->link);
	w->nrequests++;
}

void
conn_drop_spares(struct worker *w)
{
	struct list *it;

	while ((it = list_pop_front(&w->requests)))
		free(container_of(it, struct request, link));
	w->nrequests = 0;
	buf_fini(&w->spare_in);
	buf_fini(&w->spare_out);
}

static void
end_exchange(struct request *q)
{
	if (q->x && q->x->upload &&
		body_state(&q->x->upload->body) == BODY_OPEN)
		body_end(&q->x->upload->body, BODY_FAILED);
	exchange_put(take_ptr(&q->x));
}

static void
conn_end(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->io.fd < 0)
		return;
	if (c->request) {
		end_exchange(c->request);
		request_put(w, take_ptr(&c->request));
	}
	loop_disarm(w->loop, &c->timer);
	loop_close(w->loop, &c->io);
	list_remove(&c->link);
	c->grave = (struct grave){.bury = bury};
	loop_bury(w->loop, &c->grave);
	worker_conn_gone(w);
}

/* The answer can't be completed. A client that was told no length would take
 * an orderly close for the end, so it gets a reset. */
static void
conn_cut(struct conn *c)
{
	struct linger reset = {.l_onoff = 1};

	count(&c->worker->counters.aborted, 1);
	if (c->request->head_written &&
		c->request->answer.framing == ANSWER_CLOSE)
		(void)setsockopt(
			c->io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	conn_end(c);
}

/* Deadlines move with each request; the timer follows when it is due. */
static void
set_deadline(struct conn *c, uint64_t in_ns)
{
	struct loop *l = c->worker->loop;

	c->deadline_ns = loop_now_ns(l) + in_ns;
	if (!c->timer.slot || c->timer.at_ns > c->deadline_ns)
		loop_arm(l, &c->timer, in_ns);
}

/* It is the client's turn: to send, or to take what we have for it. While we
 * wait for others its time does not run. */
static void
await_client(struct conn *c)
{
	if (!c->deadline_ns)
		set_deadline(c, c->worker->node->config->idle_timeout_ns);
}

/* True when bytes came. Fewer than there was room for are all there are; more
 * will be an event. */
static bool
read_some(struct conn *c)
{
	struct buf *in = pick_up(&c->request->in, &c->worker->spare_in);
	ssize_t n;

	if (!c->readable || c->eof)
		return false;
	n = recv(c->io.fd, buf_reserve(in, READ_BYTES), READ_BYTES, 0);
	if (n > 0) {
		buf_commit(in, (size_t)n);
		c->readable = n == READ_BYTES || c->hung_up;
		return true;
	}
	if (n < 0 && errno == EAGAIN)
		c->readable = false;
	else if (n < 0)
		conn_end(c);
	else
		c->eof = true;
	return false;
}

/* --- a request ----------------------------------------------------------- */

static void
on_ready(struct exchange *x)
{
	run(((struct request *)x->user)->conn);
}

/* From here on the head is the exchange's own; what follows it can be read. */
static void
keep_head(struct request *q)
{
	if (!q->x || q->x->kept)
		return;
	exchange_keep(q->x);
	buf_consume(&q->in, q->head_bytes);
	q->head_bytes = 0;
}

static void
begin_upload(struct request *q, struct frame frame)
{
	intake_init(&q->intake, frame);
	q->upload_done = frame.kind == FRAME_NONE ||
		(frame.kind == FRAME_LENGTH && !frame.length);
	if (q->upload_done)
		return;
	q->x->upload = flight_new(&q->conn->worker->node->flight);
	body_set_tap(&q->x->upload->body, &q->tap);
}

/* Unless it is known already that the body is of no use. */
static void
invite_upload(struct request *q)
{
	const struct head *h = &q->x->head;

	if (!q->x->upload)
		return;
	if (h->minor >= 1 && exchange_phase(q->x) == EXCHANGE_WAITING &&
		head_has_token(h, FIELD_EXPECT, STR("100-continue")))
		buf_z(&q->out, "HTTP/1.1 100 Continue\r\n\r\n");
	keep_head(q);
}

/* An error before there is an exchange. The rest of what the client sends is
 * not looked at: who can't be understood once can't be understood again. */
static void
refuse(struct conn *c, unsigned status, const char *why)
{
	const struct node_config *config = c->worker->node->config;
	struct request *q = c->request;

	count(&c->worker->counters.requests, 1);
	count(&c->worker->counters.refused, 1);
	c->keep_alive = false;
	q->head_written = q->ended = q->upload_done = true;
	answer_error(config->peers[config->self].name, false, status, why,
		false, &q->out);
	c->state = CONN_ANSWER;
}

/* x has the head. */
static void
begin(struct conn *c, struct exchange *x)
{
	struct request *q = c->request;
	enum frame_result framed;
	struct frame frame;
	const char *why;

	framed = frame_of_request(&x->head, &frame, &why);
	if (framed != FRAME_OK) {
		exchange_put(x);
		refuse(c, framed == FRAME_UNIMPLEMENTED ? 501 : 400, why);
		return;
	}
	count(&c->worker->counters.requests, 1);
	c->deadline_ns = 0;
	c->keep_alive = head_keep_alive(&x->head) && !c->worker->stopping;
	c->partial = false;
	q->head_written = q->ended = false;
	q->x = x;
	q->head_bytes = x->head.bytes;
	x->user = q;
	x->on_ready = on_ready;
	x->client = c->peer;
	begin_upload(q, frame);
	c->state = CONN_ANSWER;
	exchange_start(x, buf_head(&q->in));
	invite_upload(q);
}

static bool
await_head(struct conn *c)
{
	bool empty = !buf_len(&c->request->in);

	if (c->eof || (c->worker->stopping && empty)) {
		conn_end(c);
		return false;
	}
	if (!empty && !c->partial) {
		c->partial = true;
		set_deadline(c, c->worker->node->config->head_timeout_ns);
	}
	return read_some(c) || (c->io.fd >= 0 && c->eof);
}

static bool
step_head(struct conn *c)
{
	enum head_result result = HEAD_MORE;
	const char *error = NULL;
	struct exchange *x;

	if (!c->request)
		c->request = request_get(c);
	if (buf_len(&c->request->in)) {
		x = exchange_get(c->worker);
		result =
			head_parse_request(buf_view(&c->request->in), &x->head);
		if (result == HEAD_DONE) {
			begin(c, x);
			return true;
		}
		error = x->head.error;
		exchange_put(x);
	}
	switch (result) {
	case HEAD_DONE:
	case HEAD_MORE: return await_head(c);
	case HEAD_BAD: refuse(c, 400, error); return true;
	case HEAD_LINE_TOO_LONG: refuse(c, 414, error); return true;
	case HEAD_FIELD_TOO_LONG:
	case HEAD_TOO_MANY_FIELDS:
	case HEAD_TOO_LARGE: refuse(c, 431, error); return true;
	case HEAD_VERSION: refuse(c, 505, error); return true;
	}
	return false;
}

/* --- the request's body -------------------------------------------------- */

/* Nobody wants the rest: we answer, and close, since where the next request
 * would begin is unknown. */
static void
abandon_upload(struct conn *c, unsigned status, const char *why)
{
	flight_fail(c->request->x->upload, status, why);
	c->request->upload_done = true;
	c->keep_alive = false;
}

static bool
await_upload(struct conn *c)
{
	if (read_some(c))
		return true;
	if (c->io.fd < 0)
		return false;
	if (c->eof)
		abandon_upload(c, 400, "the request's body ended early");
	else
		await_client(c);
	return c->eof;
}

/* True when something moved. */
static bool
step_upload(struct conn *c)
{
	struct request *q = c->request;
	struct body *body;

	if (q->upload_done)
		return false;
	body = &q->x->upload->body;
	if (body_orphaned(body)) {
		abandon_upload(c, 499, "nobody reads this");
		return true;
	}
	switch (intake_take(&q->intake, &q->in, body)) {
	case INTAKE_FULL: return false;
	case INTAKE_MORE: return await_upload(c);
	case INTAKE_SOME: break;
	case INTAKE_END:
		q->upload_done = true;
		body_end(body, BODY_DONE);
		break;
	case INTAKE_BAD: abandon_upload(c, 400, q->intake.chunks.error); break;
	}
	c->deadline_ns = 0;
	return true;
}

/* --- the answer ---------------------------------------------------------- */

static void
write_head(struct conn *c)
{
	const struct node_config *config = c->worker->node->config;
	struct request *q = c->request;
	struct route_error error;

	q->head_written = true;
	(void)pick_up(&q->out, &c->worker->spare_out);
	/* An answer that does not wait for the request's end can't be followed
	 * by another one. */
	c->keep_alive = c->keep_alive && q->upload_done && !c->eof;
	if (exchange_phase(q->x) == EXCHANGE_READY) {
		q->answer = answer_to_client(q->x, c->keep_alive, &q->out);
		q->ended = q->answer.framing == ANSWER_NO_BODY;
		if (q->answer.framing == ANSWER_CLOSE)
			c->keep_alive = false;
		return;
	}
	error = exchange_error(q->x);
	if (error.status >= 500)
		count(&c->worker->counters.errors, 1);
	answer_error(config->peers[config->self].name,
		q->x->head.method == METHOD_HEAD, error.status, error.why,
		c->keep_alive, &q->out);
	q->ended = true;
}

/* Body bytes as chunks into the out buffer. */
static void
chunk_out(struct request *q)
{
	char head[CHUNK_HEAD_MAX];
	struct str s;

	while (buf_len(&q->out) < OUT_MAX &&
		content_peek(&q->x->content, &s, 1)) {
		if (s.n > CHUNK_BYTES)
			s.n = CHUNK_BYTES;
		buf_append(&q->out, head, chunk_head(head, s.n));
		buf_str(&q->out, s);
		buf_z(&q->out, "\r\n");
		content_advance(&q->x->content, s.n);
	}
}

static bool
has_plain_body(const struct request *q)
{
	return q->head_written && !q->ended &&
		q->answer.framing != ANSWER_CHUNKED;
}

static void
sent(struct conn *c, size_t n)
{
	struct request *q = c->request;
	size_t from_out = buf_len(&q->out) < n ? buf_len(&q->out) : n;

	count(&c->worker->counters.client_bytes, n);
	if (from_out)
		buf_consume(&q->out, from_out);
	if (n > from_out)
		content_advance(&q->x->content, n - from_out);
}

/* A small body goes behind its head: one piece of memory costs the kernel less
 * than two. */
static void
join_small_body(struct request *q)
{
	struct str s;

	if (has_plain_body(q) && buf_len(&q->out) &&
		content_peek(&q->x->content, &s, 1) && s.n <= JOIN_BYTES) {
		buf_str(&q->out, s);
		content_advance(&q->x->content, s.n);
	}
}

/* The out buffer and, unless chunked, the body behind it: how many bytes went,
 * 0 when there are none for now, or negative errno. */
static ssize_t
send_some(struct conn *c)
{
	struct request *q = c->request;
	struct content *body = has_plain_body(q) ? &q->x->content : NULL;
	struct bulk *bulk = body ? body->bulk : NULL;
	struct str slices[SEND_SLICES];
	size_t n = body && !bulk ? content_peek(body, slices, SEND_SLICES) : 0;

	if (!n && !bulk && !buf_len(&q->out))
		return 0;
	if (!c->writable)
		return -EAGAIN;
	if (bulk)
		return bulk_send(bulk, c->io.fd, buf_view(&q->out));
	return send_slices(c->io.fd, store_pages(c->worker->node->store),
		buf_view(&q->out), slices, n, false);
}

/* True when bytes went. */
static bool
write_some(struct conn *c)
{
	ssize_t r = send_some(c);

	if (r == 0)
		return false;
	if (r > 0) {
		c->deadline_ns = 0;
		sent(c, (size_t)r);
		return true;
	}
	if (r != -EAGAIN) {
		conn_cut(c);
		return false;
	}
	c->writable = false;
	await_client(c);
	return false;
}

/* All of the body is in the out buffer or sent? If it broke off, the client
 * gets what there is, so that it can see where. */
static void
check_end(struct conn *c)
{
	struct request *q = c->request;

	if (q->ended || !q->head_written)
		return;
	switch (content_state(&q->x->content)) {
	case BODY_OPEN: return;
	case BODY_FAILED:
		if (!buf_len(&q->out))
			conn_cut(c);
		return;
	case BODY_DONE: break;
	}
	if (q->answer.framing == ANSWER_CHUNKED)
		buf_z(&q->out, "0\r\n\r\n");
	q->ended = true;
}

static void
finish_answer(struct conn *c)
{
	struct request *q = c->request;

	exchange_put(take_ptr(&q->x));
	buf_consume(&q->in, q->head_bytes);
	q->head_bytes = 0;
	if (!c->keep_alive) {
		c->state = CONN_LINGER;
		(void)shutdown(c->io.fd, SHUT_WR);
		set_deadline(c, LINGER_NS);
		return;
	}
	c->state = CONN_HEAD;
	set_deadline(c, c->worker->node->config->idle_timeout_ns);
}

static bool
step_answer(struct conn *c)
{
	struct request *q = c->request;
	bool moved = q->x && step_upload(c);

	if (c->io.fd < 0)
		return false;
	if (q->x && !q->head_written &&
		exchange_phase(q->x) != EXCHANGE_WAITING)
		write_head(c);
	if (q->x && q->head_written && !q->ended &&
		q->answer.framing == ANSWER_CHUNKED)
		chunk_out(q);
	if (q->x) {
		join_small_body(q);
		check_end(c);
	}
	if (c->io.fd < 0)
		return false;
	if (write_some(c))
		return true;
	if (c->io.fd >= 0 && q->ended && !buf_len(&q->out)) {
		finish_answer(c);
		return true;
	}
	return c->io.fd >= 0 && moved;
}

/* What the client still sends is read and dropped for a while: a reset in
 * answer to it could overtake our last words (RFC 9112, 9.6). */
static bool
step_linger(struct conn *c)
{
	size_t n;

	if (!read_some(c)) {
		if (c->eof)
			conn_end(c);
		return false;
	}
	n = buf_len(&c->request->in);
	buf_consume(&c->request->in, n);
	c->lingered += (uint32_t)n;
	if (c->lingered > LINGER_BYTES) {
		conn_end(c);
		return false;
	}
	return true;
}

/* Idle connections have no request, and others don't rely on a buffer that is
 * about to be read into. */
static void
rest(struct conn *c)
{
	struct request *q = c->request;

	if (c->state == CONN_HEAD && !buf_len(&q->in)) {
		request_put(c->worker, take_ptr(&c->request));
		return;
	}
	if (c->state == CONN_ANSWER)
		keep_head(q);
	put_down_both(c->worker, q);
}

static void
run(struct conn *c)
{
	bool more = true;

	while (more && c->io.fd >= 0)
		switch (c->state) {
		case CONN_HEAD: more = step_head(c); break;
		case CONN_ANSWER: more = step_answer(c); break;
		case CONN_LINGER: more = step_linger(c); break;
		}
	if (c->io.fd >= 0)
		rest(c);
}

/* --- its course ---------------------------------------------------------- */

static void
on_io(struct source *s, uint32_t events)
{
	struct conn *c = container_of(s, struct conn, io);

	if (events & (EPOLLERR | EPOLLHUP)) {
		if (c->state == CONN_ANSWER)
			conn_cut(c);
		else
			conn_end(c);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP))
		c->readable = true;
	if (events & EPOLLRDHUP)
		c->hung_up = true;
	if (events & EPOLLOUT)
		c->writable = true;
	if (c->readable || c->request)
		run(c);
}

static void
on_deadline(struct conn *c)
{
	if (c->state == CONN_HEAD && c->partial) {
		refuse(c, 408, "the request took too long");
		run(c);
	} else if (c->state == CONN_ANSWER && !c->request->upload_done &&
		!c->request->head_written) {
		abandon_upload(c, 408, "the request's body took too long");
	} else if (c->state == CONN_ANSWER) {
		conn_cut(c);
	} else {
		conn_end(c);
	}
}

static void
on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);
	uint64_t now_ns = loop_now_ns(c->worker->loop);

	if (!c->deadline_ns)
		return;
	if (c->deadline_ns > now_ns) {
		loop_arm(c->worker->loop, t, c->deadline_ns - now_ns);
		return;
	}
	c->deadline_ns = 0;
	on_deadline(c);
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct request, tap)->wake);
}

static void
on_wake(struct wake *w)
{
	run(container_of(w, struct request, wake)->conn);
}

void
conn_start(struct worker *w, int fd, const struct sockaddr_in *peer)
{
	struct conn *c = NEW(struct conn);

	c->worker = w;
	c->peer = peer->sin_addr;
	c->io = (struct source){.fd = -1, .on_io = on_io};
	c->timer.on_timer = on_timer;
	if (loop_watch(w->loop, &c->io, fd) < 0) {
		close(fd);
		free(c);
		return;
	}
	list_push_back(&w->conns, &c->link);
	set_deadline(c, w->node->config->idle_timeout_ns);
}

void
conn_drain_all(struct worker *w)
{
	list_foreach_safe (it, &w->conns) {
		struct conn *c = container_of(it, struct conn, link);

		if (c->state == CONN_HEAD && !c->partial)
			conn_end(c);
	}
}

void
conn_abort_all(struct worker *w)
{
	list_foreach_safe (it, &w->conns)
		conn_end(container_of(it, struct conn, link));
}
