/* See origin.h. */
#include "bench/origin.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bench/catalog.h"
#include "bench/content.h"
#include "http/frame.h"
#include "net/loop.h"
#include "net/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, READ_BYTES = 16 * 1024 };

struct origin {
	const struct catalog *catalog; /* borrowed */
	struct loop *loop;	       /* owned */
	struct source listener;
};

struct visitor {
	struct origin *origin; /* borrowed */
	struct source source;
	struct grave grave;
	struct buf in, out;
	uint64_t seed, at, end; /* of the body: its next byte, and its size */
	uint64_t skip;		/* bytes of the request's body */
	bool last;		/* no more requests */
};

enum step { WAIT, GO_ON, GONE };

static void
bury(struct grave *g)
{
	struct visitor *v = container_of(g, struct visitor, grave);

	buf_fini(&v->in);
	buf_fini(&v->out);
	free(v);
}

static void
visitor_end(struct visitor *v)
{
	loop_close(v->origin->loop, &v->source);
	loop_bury(v->origin->loop, &v->grave);
}

static enum step
step_send(struct visitor *v)
{
	ssize_t n = send(v->source.fd, buf_head(&v->out), buf_len(&v->out),
		MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN ? WAIT : errno == EINTR ? GO_ON : GONE;
	buf_consume(&v->out, (size_t)n);
	return GO_ON;
}

static enum step
step_receive(struct visitor *v)
{
	ssize_t n = recv(
		v->source.fd, buf_reserve(&v->in, READ_BYTES), READ_BYTES, 0);

	if (n < 0)
		return errno == EAGAIN ? WAIT : errno == EINTR ? GO_ON : GONE;
	buf_commit(&v->in, (size_t)n);
	return n > 0 ? GO_ON : GONE;
}

/* More of the body. */
static enum step
step_make(struct visitor *v)
{
	uint64_t left = v->end - v->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;

	content_fill(v->seed, v->at, buf_reserve(&v->out, n), n);
	buf_commit(&v->out, n);
	v->at += n;
	return GO_ON;
}

static void
answer(struct visitor *v, const struct head *h)
{
	const struct object *o = catalog_find(v->origin->catalog, h->target);
	unsigned status = o ? o->status : 404;

	v->seed = o ? o->seed : catalog_status_seed(404);
	v->at = 0;
	v->end = !o				? CATALOG_STATUS_BYTES
		: o->bytes == CATALOG_ANY_BYTES ? CATALOG_UNKNOWN_BYTES
						: o->bytes;
	buf_printf(&v->out,
		"HTTP/1.1 %u Made\r\nContent-Length: %llu\r\n"
		"Content-Type: application/octet-stream\r\n"
		"Cache-Control: max-age=86400\r\n%s%s\r\n",
		status, (unsigned long long)v->end,
		status / 100 == 3 ? "Location: /\r\n" : "",
		v->last ? "Connection: close\r\n" : "");
	if (h->method == METHOD_HEAD)
		v->at = v->end;
}

static enum step
refuse(struct visitor *v)
{
	buf_z(&v->out,
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
		"Connection: close\r\n\r\n");
	v->last = true;
	return GO_ON;
}

static enum step
step_head(struct visitor *v)
{
	struct frame frame;
	const char *why;
	struct head h;

	switch (head_parse_request(buf_view(&v->in), &h)) {
	case HEAD_DONE: break;
	case HEAD_MORE: return step_receive(v);
	default: return refuse(v);
	}
	if (frame_of_request(&h, &frame, &why) != FRAME_OK)
		return refuse(v);
	/* A body in chunks is not worth understanding. */
	v->last = !head_keep_alive(&h) || frame.kind == FRAME_CHUNKED;
	v->skip = frame.length;
	answer(v, &h);
	buf_consume(&v->in, h.bytes);
	return GO_ON;
}

static enum step
step_skip(struct visitor *v)
{
	size_t n = buf_len(&v->in);

	if (n == 0)
		return step_receive(v);
	if (n > v->skip)
		n = (size_t)v->skip;
	buf_consume(&v->in, n);
	v->skip -= n;
	return GO_ON;
}

static enum step
step(struct visitor *v)
{
	if (buf_len(&v->out) > 0)
		return step_send(v);
	if (v->at < v->end)
		return step_make(v);
	if (v->last)
		return GONE;
	return v->skip > 0 ? step_skip(v) : step_head(v);
}

static void
on_visitor(struct source *s, uint32_t events)
{
	struct visitor *v = container_of(s, struct visitor, source);
	enum step next;

	while ((next = step(v)) == GO_ON)
		;
	if (next == GONE)
		visitor_end(v);
}

static void
on_listener(struct source *s, uint32_t events)
{
	struct origin *o = container_of(s, struct origin, listener);
	int fd;

	while ((fd = sock_accept(s->fd, NULL)) >= 0) {
		struct visitor *v = NEW(struct visitor);

		v->origin = o;
		v->source = (struct source){.fd = -1, .on_io = on_visitor};
		v->grave.bury = bury;
		if (loop_watch(o->loop, &v->source, fd) < 0) {
			close(fd);
			free(v);
		}
	}
}

int
origin_run(const struct catalog *c, struct in_addr addr, uint16_t port)
{
	struct origin o = {
		.catalog = c,
		.loop = loop_new(),
		.listener = {.fd = -1, .on_io = on_listener},
	};
	int fd, r;

	if (!o.loop)
		return -errno;
	fd = sock_listen(addr, port);
	r = fd < 0 ? fd : loop_watch(o.loop, &o.listener, fd);
	if (r == 0)
		loop_run(o.loop);
	else if (fd >= 0)
		close(fd);
	loop_close(o.loop, &o.listener);
	loop_free(o.loop);
	return r;
}
