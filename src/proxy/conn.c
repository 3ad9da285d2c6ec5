#include "proxy/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/chunk.h"
#include "proxy/answer.h"
#include "proxy/intake.h"

enum {
	READ_BYTES = 16 * 1024,
	CHUNK_BYTES = 16 * 1024, /* of an answer of unknown length */
	OUT_MAX = 64 * 1024,	 /* written ahead of the socket at most */
	SLICES = 16,
	LINGER_NS = 2000000000,
	LINGER_BYTES = 1024 * 1024,
};

enum conn_state { CONN_HEAD, CONN_ANSWER, CONN_LINGER };

struct conn {
	struct source io;
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->conns */
	struct grave grave;
	struct timer timer;
	struct in_addr peer;
	enum conn_state state;
	bool readable, writable;
	bool eof;	 /* the client sends no more */
	bool keep_alive; /* after this answer */
	bool partial;	 /* part of a head is there: its timer runs */
	struct buf in, out;
	struct exchange *x; /* owned; in CONN_ANSWER */

	/* the request's body, which streams into x->upload */
	struct intake intake;
	bool upload_done;
	struct tap tap; /* the upload's: there is room again */
	struct wake wake;

	/* the answer */
	bool head_written, ended;
	struct answer answer;
	uint64_t lingered;
};

static void run(struct conn *c);

static void
bury(struct grave *g)
{
	struct conn *c = container_of(g, struct conn, grave);

	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void
conn_end(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->io.fd < 0)
		return;
	if (c->x && c->x->upload &&
		body_state(&c->x->upload->body) == BODY_OPEN)
		body_end(&c->x->upload->body, BODY_FAILED);
	exchange_free(take_ptr(&c->x));
	wake_cancel(&c->wake);
	loop_disarm(w->loop, &c->timer);
	loop_close(w->loop, &c->io);
	list_remove(&c->link);
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
	if (c->head_written && c->answer.framing == ANSWER_CLOSE)
		(void)setsockopt(
			c->io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	conn_end(c);
}

static void
arm(struct conn *c, uint64_t in_ns)
{
	loop_arm(c->worker->loop, &c->timer, in_ns);
}

/* It is the client's turn: to send, or to take what we have for it. While we
 * wait for others its time does not run. */
static void
await_client(struct conn *c)
{
	if (!c->timer.slot)
		arm(c, c->worker->node->config->idle_timeout_ns);
}

/* True when bytes came. */
static bool
read_some(struct conn *c)
{
	ssize_t n;

	if (!c->readable || c->eof)
		return false;
	n = recv(c->io.fd, buf_reserve(&c->in, READ_BYTES), READ_BYTES, 0);
	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		return true;
	}
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		buf_shrink(&c->in);
	} else if (n < 0) {
		conn_end(c);
	} else {
		c->eof = true;
	}
	return false;
}

/* --- a request ----------------------------------------------------------- */

static void
on_ready(struct exchange *x)
{
	run(x->user);
}

static void
begin_upload(struct conn *c, struct frame frame)
{
	intake_init(&c->intake, frame);
	c->upload_done = frame.kind == FRAME_NONE ||
		(frame.kind == FRAME_LENGTH && !frame.length);
	if (c->upload_done)
		return;
	c->x->upload = object_new(&c->worker->node->flight);
	body_set_tap(&c->x->upload->body, &c->tap);
}

/* Unless it is known already that the body is of no use. */
static void
invite_upload(struct conn *c)
{
	const struct head *h = &c->x->head;

	if (c->x->upload && h->minor >= 1 &&
		object_phase(c->x->object) == OBJECT_WAITING &&
		head_has_token(h, FIELD_EXPECT, STR("100-continue")))
		buf_z(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* An error before there is an exchange. The rest of what the client sends is
 * not looked at: who can't be understood once can't be understood again. */
static void
refuse(struct conn *c, unsigned status, const char *why)
{
	const struct node_config *config = c->worker->node->config;

	count(&c->worker->counters.requests, 1);
	count(&c->worker->counters.refused, 1);
	c->keep_alive = false;
	c->head_written = c->ended = c->upload_done = true;
	answer_error(config->peers[config->self].name, false, status, why,
		false, &c->out);
	c->state = CONN_ANSWER;
}

static void
begin(struct conn *c, const struct head *h)
{
	enum frame_result framed;
	struct frame frame;
	const char *why;

	framed = frame_of_request(h, &frame, &why);
	if (framed != FRAME_OK) {
		refuse(c, framed == FRAME_UNIMPLEMENTED ? 501 : 400, why);
		return;
	}
	count(&c->worker->counters.requests, 1);
	loop_disarm(c->worker->loop, &c->timer);
	c->keep_alive = head_keep_alive(h) && !c->worker->stopping;
	c->head_written = c->ended = c->partial = false;
	c->x = exchange_new(c->worker, h, buf_head(&c->in));
	c->x->user = c;
	c->x->on_ready = on_ready;
	c->x->client = c->peer;
	begin_upload(c, frame);
	buf_consume(&c->in, h->bytes);
	c->state = CONN_ANSWER;
	exchange_start(c->x);
	invite_upload(c);
}

static bool
step_head(struct conn *c)
{
	const struct node_config *config = c->worker->node->config;
	struct head h;

	switch (head_parse_request(buf_view(&c->in), &h)) {
	case HEAD_DONE: begin(c, &h); return true;
	case HEAD_MORE: break;
	case HEAD_BAD: refuse(c, 400, h.error); return true;
	case HEAD_LINE_TOO_LONG: refuse(c, 414, h.error); return true;
	case HEAD_FIELD_TOO_LONG:
	case HEAD_TOO_MANY_FIELDS:
	case HEAD_TOO_LARGE: refuse(c, 431, h.error); return true;
	case HEAD_VERSION: refuse(c, 505, h.error); return true;
	}
	if (c->eof || (c->worker->stopping && !buf_len(&c->in))) {
		conn_end(c);
		return false;
	}
	if (buf_len(&c->in) && !c->partial) {
		c->partial = true;
		arm(c, config->head_timeout_ns);
	}
	return read_some(c) || c->eof;
}

/* --- the request's body -------------------------------------------------- */

/* Nobody wants the rest: we answer, and close, since where the next request
 * would begin is unknown. */
static void
abandon_upload(struct conn *c, unsigned status, const char *why)
{
	object_fail(c->x->upload, status, why);
	c->upload_done = true;
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
	struct body *body;

	if (c->upload_done)
		return false;
	body = &c->x->upload->body;
	if (body_orphaned(body)) {
		abandon_upload(c, 499, "nobody reads this");
		return true;
	}
	switch (intake_take(&c->intake, &c->in, body)) {
	case INTAKE_FULL: return false;
	case INTAKE_MORE: return await_upload(c);
	case INTAKE_SOME: break;
	case INTAKE_END:
		c->upload_done = true;
		body_end(body, BODY_DONE);
		break;
	case INTAKE_BAD: abandon_upload(c, 400, c->intake.chunks.error); break;
	}
	loop_disarm(c->worker->loop, &c->timer);
	return true;
}

/* --- the answer ---------------------------------------------------------- */

static void
write_head(struct conn *c)
{
	const struct node_config *config = c->worker->node->config;
	struct object *o = c->x->object;

	c->head_written = true;
	/* An answer that does not wait for the request's end can't be followed
	 * by another one. */
	c->keep_alive = c->keep_alive && c->upload_done && !c->eof;
	if (object_phase(o) == OBJECT_READY) {
		c->answer = answer_to_client(c->x, c->keep_alive, &c->out);
		c->ended = c->answer.framing == ANSWER_NO_BODY;
		c->keep_alive =
			c->keep_alive && c->answer.framing != ANSWER_CLOSE;
		return;
	}
	if (o->error_status >= 500)
		count(&c->worker->counters.errors, 1);
	answer_error(config->peers[config->self].name,
		c->x->head.method == METHOD_HEAD, o->error_status, o->error,
		c->keep_alive, &c->out);
	c->ended = true;
}

/* Body bytes as chunks into the out buffer. */
static void
chunk_out(struct conn *c)
{
	char head[CHUNK_HEAD_MAX];
	struct str s;

	while (buf_len(&c->out) < OUT_MAX &&
		reader_peek(&c->x->reader, &s, 1)) {
		if (s.n > CHUNK_BYTES)
			s.n = CHUNK_BYTES;
		buf_append(&c->out, head, chunk_head(head, s.n));
		buf_str(&c->out, s);
		buf_z(&c->out, "\r\n");
		reader_advance(&c->x->reader, s.n);
	}
}

/* The out buffer and, unless chunked, the body behind it. */
static size_t
gather(struct conn *c, struct iovec iov[1 + SLICES])
{
	struct str slices[SLICES];
	size_t n = 0, more;

	if (buf_len(&c->out))
		iov[n++] = (struct iovec){buf_head(&c->out), buf_len(&c->out)};
	if (!c->head_written || c->ended || c->answer.framing == ANSWER_CHUNKED)
		return n;
	more = reader_peek(&c->x->reader, slices, SLICES);
	for (size_t i = 0; i < more; i++)
		iov[n++] = (struct iovec){(char *)slices[i].p, slices[i].n};
	return n;
}

static void
sent(struct conn *c, size_t n)
{
	size_t from_out = buf_len(&c->out) < n ? buf_len(&c->out) : n;

	count(&c->worker->counters.client_bytes, n);
	if (from_out)
		buf_consume(&c->out, from_out);
	if (n > from_out)
		reader_advance(&c->x->reader, n - from_out);
}

/* True when bytes went. */
static bool
write_some(struct conn *c)
{
	struct iovec iov[1 + SLICES];
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = gather(c, iov)};
	ssize_t n;

	if (!m.msg_iovlen)
		return false;
	n = c->writable ? sendmsg(c->io.fd, &m, MSG_NOSIGNAL) : -1;
	if (n >= 0) {
		loop_disarm(c->worker->loop, &c->timer);
		sent(c, (size_t)n);
		return true;
	}
	if (c->writable && errno != EAGAIN) {
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
	struct body *body = &c->x->object->body;
	enum body_state state = body_state(body);
	bool all = atomic_load(&c->x->reader.pos) == body_filled(body);

	if (c->ended || !c->head_written || state == BODY_OPEN)
		return;
	if (state == BODY_FAILED) {
		if (all && !buf_len(&c->out))
			conn_cut(c);
		return;
	}
	if (!all)
		return;
	if (c->answer.framing == ANSWER_CHUNKED)
		buf_z(&c->out, "0\r\n\r\n");
	c->ended = true;
}

static void
finish_answer(struct conn *c)
{
	exchange_free(take_ptr(&c->x));
	buf_shrink(&c->out);
	if (!c->keep_alive) {
		c->state = CONN_LINGER;
		(void)shutdown(c->io.fd, SHUT_WR);
		arm(c, LINGER_NS);
		return;
	}
	c->state = CONN_HEAD;
	arm(c, c->worker->node->config->idle_timeout_ns);
}

static bool
step_answer(struct conn *c)
{
	bool moved = c->x && step_upload(c);

	if (c->io.fd < 0)
		return false;
	if (c->x && !c->head_written && exchange_phase(c->x) != OBJECT_WAITING)
		write_head(c);
	if (c->x && c->head_written && !c->ended &&
		c->answer.framing == ANSWER_CHUNKED)
		chunk_out(c);
	if (c->x)
		check_end(c);
	if (c->io.fd < 0)
		return false;
	if (write_some(c))
		return true;
	if (c->io.fd >= 0 && c->ended && !buf_len(&c->out)) {
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
	n = buf_len(&c->in);
	buf_consume(&c->in, n);
	c->lingered += n;
	if (c->lingered > LINGER_BYTES) {
		conn_end(c);
		return false;
	}
	return true;
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
	if (events & EPOLLOUT)
		c->writable = true;
	run(c);
}

static void
on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (c->state == CONN_HEAD && c->partial) {
		refuse(c, 408, "the request took too long");
		run(c);
	} else if (c->state == CONN_ANSWER && !c->upload_done &&
		!c->head_written) {
		abandon_upload(c, 408, "the request's body took too long");
	} else if (c->state == CONN_ANSWER) {
		conn_cut(c);
	} else {
		conn_end(c);
	}
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct conn, tap)->wake);
}

static void
on_wake(struct wake *w)
{
	run(container_of(w, struct conn, wake));
}

void
conn_start(struct worker *w, int fd, const struct sockaddr_in *peer)
{
	struct conn *c = NEW(struct conn);

	c->worker = w;
	c->peer = peer->sin_addr;
	c->io = (struct source){.fd = -1, .on_io = on_io};
	c->timer.on_timer = on_timer;
	c->grave.bury = bury;
	c->tap.on_consumed = on_consumed;
	wake_init(&c->wake, w->loop, on_wake);
	if (loop_watch(w->loop, &c->io, fd) < 0) {
		close(fd);
		free(c);
		return;
	}
	list_push_back(&w->conns, &c->link);
	arm(c, w->node->config->idle_timeout_ns);
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
