#include "admin/report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/head.h"
#include "net/sock.h"

enum { READ_BYTES = 4096, CLIENTS_MAX = 64, TIMEOUT_S = 5 };

struct report_server {
	struct loop *loop; /* borrowed */
	struct source listener;
	report_fn fn;
	void *ctx; /* fn's */
	struct list clients;
	unsigned nclients;
};

struct client {
	struct source io;
	struct report_server *server; /* borrowed */
	struct list link;
	struct timer timer;
	struct grave grave;
	bool answered;
	struct buf in, out;
};

/* --- what is answered ----------------------------------------------------- */

static const struct head_limits limits = {
	.line = 1024, .field = 4096, .bytes = 8192, .fields = 64};

static void
put_head(struct buf *out, const char *status, const char *type, size_t n)
{
	buf_printf(out,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n",
		status, type, n);
}

static void
put_error(struct buf *out, const char *status)
{
	put_head(out, status, "text/plain", strlen(status) + 1);
	buf_printf(out, "%s\n", status);
}

static void
put_document(report_fn fn, void *ctx, const struct head *h, struct buf *out)
{
	struct str path, rest = h->target;
	struct buf document = {0};
	const char *type;

	(void)str_split(&rest, '?', &path);
	type = fn(ctx, path, &document);
	if (type) {
		put_head(out, "200 OK", type, buf_len(&document));
		if (h->method == METHOD_GET)
			buf_str(out, buf_view(&document));
	} else {
		put_error(out, "404 Not Found");
	}
	buf_fini(&document);
}

bool
report_answer(report_fn fn, void *ctx, struct str request, struct buf *out)
{
	struct head h;

	switch (head_parse_request_within(request, &limits, &h)) {
	case HEAD_MORE: return false;
	case HEAD_DONE:
		if (h.method == METHOD_GET || h.method == METHOD_HEAD)
			put_document(fn, ctx, &h, out);
		else
			put_error(out, "405 Method Not Allowed");
		return true;
	default: put_error(out, "400 Bad Request"); return true;
	}
}

/* --- to whom -------------------------------------------------------------- */

static void
bury(struct grave *g)
{
	struct client *c = container_of(g, struct client, grave);

	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void
client_end(struct client *c)
{
	loop_disarm(c->server->loop, &c->timer);
	loop_close(c->server->loop, &c->io);
	list_remove(&c->link);
	c->server->nclients--;
	loop_bury(c->server->loop, &c->grave);
}

static void
write_out(struct client *c)
{
	ssize_t n;

	while (buf_len(&c->out)) {
		n = send(c->io.fd, buf_head(&c->out), buf_len(&c->out),
			MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	client_end(c);
}

static void
read_in(struct client *c)
{
	ssize_t n;

	while (!c->answered) {
		n = recv(c->io.fd, buf_reserve(&c->in, READ_BYTES), READ_BYTES,
			0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			client_end(c);
			return;
		}
		buf_commit(&c->in, (size_t)n);
		c->answered = report_answer(c->server->fn, c->server->ctx,
			buf_view(&c->in), &c->out);
	}
	write_out(c);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct client *c = container_of(s, struct client, io);

	(void)events;
	if (c->answered)
		write_out(c);
	else
		read_in(c);
}

static void
on_timer(struct timer *t)
{
	client_end(container_of(t, struct client, timer));
}

static void
client_begin(struct report_server *s, int fd)
{
	struct client *c = NEW(struct client);

	c->server = s;
	c->io = (struct source){.fd = -1, .on_io = on_io};
	c->timer.on_timer = on_timer;
	c->grave.bury = bury;
	if (s->nclients >= CLIENTS_MAX || loop_watch(s->loop, &c->io, fd) < 0) {
		close(fd);
		free(c);
		return;
	}
	list_push_back(&s->clients, &c->link);
	s->nclients++;
	loop_arm(s->loop, &c->timer, TIMEOUT_S * NS_PER_S);
}

static void
on_accept(struct source *source, uint32_t events)
{
	struct report_server *s =
		container_of(source, struct report_server, listener);
	int fd;

	(void)events;
	while ((fd = sock_accept(source->fd, NULL)) >= 0)
		client_begin(s, fd);
}

int
report_listen(struct loop *l, struct in_addr addr, uint16_t port, report_fn fn,
	void *ctx, struct report_server **out)
{
	struct report_server *s;
	int fd = sock_listen(addr, port), r;

	if (fd < 0)
		return fd;
	s = NEW(struct report_server);
	s->loop = l;
	s->fn = fn;
	s->ctx = ctx;
	s->listener = (struct source){.fd = -1, .on_io = on_accept};
	list_init(&s->clients);
	r = loop_watch(l, &s->listener, fd);
	if (r < 0) {
		close(fd);
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
report_close(struct report_server *s)
{
	if (!s)
		return;
	list_foreach_safe (it, &s->clients)
		client_end(container_of(it, struct client, link));
	loop_close(s->loop, &s->listener);
	free(s);
}
