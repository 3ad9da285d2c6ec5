#include "admin/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/sock.h"

enum { READ_BYTES = 16384, LINE_MAX_BYTES = 1 << 20, TIMEOUT_S = 10 };

struct admin_server {
	struct loop *loop; /* borrowed */
	struct source listener;
	char *path;
	admin_handler_fn handler;
	void *ctx; /* the handler's */
	struct list requests;
};

struct admin_request {
	struct source io;
	struct admin_server *server; /* borrowed */
	struct list link;
	struct timer timer;
	struct grave grave;
	bool asked, answered;
	struct buf in, out;
};

static void
bury(struct grave *g)
{
	struct admin_request *r = container_of(g, struct admin_request, grave);

	buf_fini(&r->in);
	buf_fini(&r->out);
	free(r);
}

static void
request_end(struct admin_request *r)
{
	loop_disarm(r->server->loop, &r->timer);
	loop_close(r->server->loop, &r->io);
	list_remove(&r->link);
	loop_bury(r->server->loop, &r->grave);
}

static void
write_answer(struct admin_request *r)
{
	ssize_t n;

	while (r->io.fd >= 0 && buf_len(&r->out)) {
		n = send(r->io.fd, buf_head(&r->out), buf_len(&r->out),
			MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		buf_consume(&r->out, (size_t)n);
	}
	request_end(r);
}

void
admin_answer(struct admin_request *r, struct str document)
{
	if (r->answered)
		return;
	r->answered = true;
	buf_str(&r->out, document);
	buf_z(&r->out, "\n");
	write_answer(r);
}

/* The client has its line out at once, or is not one of ours. A client that
 * leaves while its answer is being made is noticed when we write. */
static void
read_line(struct admin_request *r)
{
	struct str line, rest;
	ssize_t n;

	for (;;) {
		n = recv(r->io.fd, buf_reserve(&r->in, READ_BYTES), READ_BYTES,
			0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || buf_len(&r->in) > LINE_MAX_BYTES) {
			request_end(r);
			return;
		}
		buf_commit(&r->in, (size_t)n);
		rest = buf_view(&r->in);
		if (!str_split(&rest, '\n', &line) || !rest.p)
			continue;
		r->asked = true;
		r->server->handler(r->server->ctx, r, str_trim(line));
		return;
	}
}

static void
on_io(struct source *s, uint32_t events)
{
	struct admin_request *r = container_of(s, struct admin_request, io);

	if (r->answered)
		write_answer(r);
	else if (!r->asked && events & EPOLLIN)
		read_line(r);
}

static void
on_timer(struct timer *t)
{
	struct admin_request *r = container_of(t, struct admin_request, timer);

	/* Whoever makes the answer still holds the request. */
	if (r->asked && !r->answered)
		loop_arm(r->server->loop, t, TIMEOUT_S * NS_PER_S);
	else
		request_end(r);
}

static void
on_accept(struct source *source, uint32_t events)
{
	struct admin_server *s =
		container_of(source, struct admin_server, listener);
	int fd;

	(void)events;
	while ((fd = accept4(source->fd, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct admin_request *r = NEW(struct admin_request);

		r->server = s;
		r->io = (struct source){.fd = -1, .on_io = on_io};
		r->timer.on_timer = on_timer;
		r->grave.bury = bury;
		if (loop_watch(s->loop, &r->io, fd) < 0) {
			close(fd);
			free(r);
			continue;
		}
		list_push_back(&s->requests, &r->link);
		loop_arm(s->loop, &r->timer, TIMEOUT_S * NS_PER_S);
	}
}

int
admin_listen(struct loop *l, const char *path, admin_handler_fn handler,
	void *ctx, struct admin_server **out)
{
	struct admin_server *s;
	int fd = sock_listen_unix(path), r;

	if (fd < 0)
		return fd;
	s = NEW(struct admin_server);
	s->loop = l;
	s->handler = handler;
	s->ctx = ctx;
	s->listener = (struct source){.fd = -1, .on_io = on_accept};
	list_init(&s->requests);
	r = loop_watch(l, &s->listener, fd);
	if (r < 0) {
		close(fd);
		free(s);
		return r;
	}
	s->path = xstrdup(path);
	*out = s;
	return 0;
}

void
admin_close(struct admin_server *s)
{
	if (!s)
		return;
	list_foreach_safe (it, &s->requests)
		request_end(container_of(it, struct admin_request, link));
	loop_close(s->loop, &s->listener);
	(void)unlink(s->path);
	free(s->path);
	free(s);
}
