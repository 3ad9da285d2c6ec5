/* See load_run.h: a client of the load, from one request to the next. */
#include "bench/load_run.h"

#include "net/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };
#define PAUSE_NS (50 * NS_PER_MS)
#define TIMEOUT_NS (30 * NS_PER_S)

enum step { WAIT, GO_ON };

static const char *
method_name(enum method m)
{
	switch (m) {
	case METHOD_HEAD: return "HEAD";
	case METHOD_POST: return "POST";
	default: return "GET";
	}
}

static bool
is_last_on_connection(const struct client *c)
{
	unsigned most = c->run->load->per_connection;

	return most > 0 && c->requests >= most;
}

static void
write_request(struct client *c)
{
	const struct load_request *r = &c->req;

	buf_printf(&c->out,
		"%s %.*s HTTP/1.1\r\nHost: %.*s\r\n"
		"User-Agent: sevenfold-bench\r\n"
		"Cache-Control: no-transform\r\n%s%s\r\n",
		method_name(r->method), STR_ARG(r->target), STR_ARG(r->host),
		r->method == METHOD_POST ? "Content-Length: 0\r\n" : "",
		is_last_on_connection(c) ? "Connection: close\r\n" : "");
}

static void
client_close(struct client *c)
{
	if (c->source.fd >= 0)
		loop_close(c->run->loop, &c->source);
	buf_consume(&c->in, buf_len(&c->in));
	buf_consume(&c->out, buf_len(&c->out));
	c->eof = false;
	c->requests = 0;
}

static void
client_retire(struct client *c)
{
	client_close(c);
	loop_disarm(c->run->loop, &c->timer);
	c->state = RETIRED;
	if (--c->run->active == 0)
		loop_stop(c->run->loop);
}

void
client_dismiss(struct client *c)
{
	if (c->state == WAITING)
		client_retire(c);
}

/* Counts the request that is over. */
static void
client_account(struct client *c)
{
	const struct load *l = c->run->load;
	struct load_result *res = c->run->result;

	res->outcomes[c->outcome]++;
	res->body_bytes += c->body;
	if (c->outcome == LOAD_RIGHT)
		hist_add(&res->latency_ns,
			clock_mono_ns() -
				(l->rate > 0 ? c->due_ns : c->began_ns));
	if (l->on_done)
		l->on_done(l->ctx, &c->req, c->outcome, c->body);
}

/* The first kind of failure counts. */
static void
client_note(struct client *c, enum load_outcome o)
{
	if (c->outcome == LOAD_RIGHT)
		c->outcome = o;
}

/* The request failed in a way that ends the connection. */
static enum step
client_fail(struct client *c, enum load_outcome o)
{
	client_note(c, o);
	client_account(c);
	client_close(c);
	c->state = READY;
	if (o != LOAD_CONNECT)
		return GO_ON;
	c->state = PAUSED;
	loop_arm(c->run->loop, &c->timer, PAUSE_NS);
	return WAIT;
}

/* The answer is complete. */
static enum step
client_finish(struct client *c)
{
	const struct load_request *r = &c->req;

	if (c->outcome == LOAD_RIGHT && r->method != METHOD_HEAD &&
		r->bytes != LOAD_ANY_BYTES && c->body != r->bytes)
		c->outcome = LOAD_LENGTH;
	if (buf_len(&c->in) > 0)
		return client_fail(c, LOAD_FRAMING);
	client_account(c);
	if (!c->keep || c->eof || is_last_on_connection(c))
		client_close(c);
	c->state = READY;
	return GO_ON;
}

static enum step
step_ready(struct client *c)
{
	if (!run_next(c->run, c)) {
		client_retire(c);
		return WAIT;
	}
	c->state = BEGIN;
	if (c->due_ns <= clock_mono_ns())
		return GO_ON;
	c->state = WAITING;
	/* The loop counts from when its turn began. */
	loop_arm(
		c->run->loop, &c->timer, c->due_ns - loop_now_ns(c->run->loop));
	return WAIT;
}

static enum step
client_connect(struct client *c)
{
	const struct load *l = c->run->load;
	struct in_addr any = {.s_addr = htonl(INADDR_ANY)};
	int fd = sock_connect(any, l->addr, l->port);

	if (fd < 0)
		return client_fail(c, LOAD_CONNECT);
	if (loop_watch(c->run->loop, &c->source, fd) < 0) {
		close(fd);
		return client_fail(c, LOAD_CONNECT);
	}
	c->run->result->connections++;
	c->connect_ns = clock_mono_ns();
	c->state = CONNECTING;
	return WAIT;
}

/* Whether the server has closed a connection that did nothing for a while. */
static bool
has_gone(const struct client *c)
{
	char byte;

	return recv(c->source.fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
}

static enum step
step_begin(struct client *c)
{
	const struct load *l = c->run->load;

	c->outcome = LOAD_RIGHT;
	c->body = 0;
	c->began_ns = clock_mono_ns();
	if (c->source.fd >= 0 && c->due_ns > 0 && has_gone(c))
		client_close(c);
	c->requests++;
	loop_arm(c->run->loop, &c->timer,
		l->timeout_ns ? l->timeout_ns : TIMEOUT_NS);
	write_request(c);
	if (c->source.fd < 0)
		return client_connect(c);
	c->state = SENDING;
	return GO_ON;
}

static enum step
step_sending(struct client *c)
{
	while (buf_len(&c->out) > 0) {
		ssize_t n = send(c->source.fd, buf_head(&c->out),
			buf_len(&c->out), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? WAIT
					       : client_fail(c, LOAD_RESET);
		buf_consume(&c->out, (size_t)n);
	}
	c->state = HEAD;
	return GO_ON;
}

/* More bytes into c->in: GO_ON when some came, or the end (c->eof). */
static enum step
receive(struct client *c)
{
	for (;;) {
		char *room = buf_reserve(&c->in, READ_BYTES);
		ssize_t n = recv(c->source.fd, room, READ_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? WAIT
					       : client_fail(c, LOAD_RESET);
		c->eof = n == 0;
		buf_commit(&c->in, (size_t)n);
		c->run->result->received_bytes += (uint64_t)n;
		return GO_ON;
	}
}

/* What the head alone can tell of the answer. */
static void
judge_head(struct client *c, const struct head *h)
{
	const struct load_request *r = &c->req;
	const struct field *length = head_find(h, FIELD_CONTENT_LENGTH);
	uint64_t told;

	c->run->result->statuses[h->status]++;
	if (r->status != 0 && h->status != r->status)
		client_note(c, LOAD_STATUS);
	/* A body's own length is counted; that of HEAD is only told. */
	if (r->method == METHOD_HEAD && length && r->bytes != LOAD_ANY_BYTES &&
		(str_u64(length->value, INT64_MAX, &told) < 0 ||
			told != r->bytes))
		client_note(c, LOAD_LENGTH);
}

static enum step
step_head(struct client *c)
{
	const struct load *l = c->run->load;
	const char *why;
	struct head h;

	switch (head_parse_response(buf_view(&c->in), &h)) {
	case HEAD_DONE: break;
	case HEAD_MORE: return c->eof ? client_fail(c, LOAD_RESET) : receive(c);
	default: return client_fail(c, LOAD_FRAMING);
	}
	if (h.status >= 200) {
		if (frame_of_response(&h, c->req.method, &c->frame, &why) !=
			FRAME_OK)
			return client_fail(c, LOAD_FRAMING);
		judge_head(c, &h);
		if (l->on_head)
			l->on_head(l->ctx, &c->req, &h);
		c->keep = head_keep_alive(&h);
		c->chunks = (struct chunk_decoder){0};
		c->state = BODY;
	}
	buf_consume(&c->in, h.bytes);
	return GO_ON;
}

static void
judge_body(struct client *c, struct str bytes)
{
	const struct load_request *r = &c->req;
	uint64_t end = c->body + bytes.n;

	if (c->outcome == LOAD_RIGHT && end > r->bytes)
		c->outcome = LOAD_LENGTH;
	if (c->outcome == LOAD_RIGHT && r->verify &&
		!r->verify(r->object, c->body, bytes))
		c->outcome = LOAD_BYTES;
	c->body = end;
}

static enum step
step_chunked(struct client *c)
{
	struct str in = buf_view(&c->in), data;
	enum chunk_result r;

	while ((r = chunk_decode(&c->chunks, &in, &data)) == CHUNK_DATA)
		judge_body(c, data);
	buf_consume(&c->in, buf_len(&c->in) - in.n);
	switch (r) {
	case CHUNK_END: return client_finish(c);
	case CHUNK_BAD: return client_fail(c, LOAD_FRAMING);
	default: return c->eof ? client_fail(c, LOAD_RESET) : receive(c);
	}
}

static enum step
step_length(struct client *c)
{
	uint64_t left = c->frame.length - c->body;
	struct str in = buf_view(&c->in);

	if (in.n > left)
		in.n = (size_t)left;
	judge_body(c, in);
	buf_consume(&c->in, in.n);
	if (in.n == left)
		return client_finish(c);
	return c->eof ? client_fail(c, LOAD_RESET) : receive(c);
}

static enum step
step_to_the_end(struct client *c)
{
	judge_body(c, buf_view(&c->in));
	buf_consume(&c->in, buf_len(&c->in));
	return c->eof ? client_finish(c) : receive(c);
}

static enum step
step_body(struct client *c)
{
	switch (c->frame.kind) {
	case FRAME_LENGTH: return step_length(c);
	case FRAME_CHUNKED: return step_chunked(c);
	case FRAME_CLOSE: return step_to_the_end(c);
	case FRAME_NONE: break;
	}
	return client_finish(c);
}

void
client_run(struct client *c)
{
	enum step s = GO_ON;

	while (s == GO_ON)
		switch (c->state) {
		case READY: s = step_ready(c); break;
		case BEGIN: s = step_begin(c); break;
		case SENDING: s = step_sending(c); break;
		case HEAD: s = step_head(c); break;
		case BODY: s = step_body(c); break;
		case WAITING:
		case PAUSED:
		case CONNECTING:
		case RETIRED: s = WAIT; break;
		}
}

static void
on_io(struct source *source, uint32_t events)
{
	struct client *c = container_of(source, struct client, source);

	if (c->state == CONNECTING) {
		if (sock_error(source->fd) < 0) {
			(void)client_fail(c, LOAD_CONNECT);
			return;
		}
		hist_add(&c->run->result->connect_ns,
			clock_mono_ns() - c->connect_ns);
		c->state = SENDING;
	}
	client_run(c);
}

static void
on_timer(struct timer *t)
{
	struct client *c = container_of(t, struct client, timer);

	switch (c->state) {
	case WAITING: c->state = BEGIN; break;
	case PAUSED: c->state = READY; break;
	default: (void)client_fail(c, LOAD_TIMEOUT); break;
	}
	client_run(c);
}

void
client_init(struct client *c, struct run *run)
{
	c->run = run;
	c->source = (struct source){.fd = -1, .on_io = on_io};
	c->timer.on_timer = on_timer;
}

void
client_fini(struct client *c)
{
	buf_fini(&c->in);
	buf_fini(&c->out);
}
