#include "admin/oneshot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"

enum { READ_BYTES = 4096 };

struct oneshot_server {
	struct oneshot_config config;
	struct source listener;
	struct list clients;
	unsigned nclients;
};

struct admin_request {
	struct source io;
	struct oneshot_server *server; /* borrowed */
	struct list link;
	struct timer timer;
	struct grave grave;
	bool asked, answered;
	struct buf in, out;
};

static void
bury(struct grave *g)
{
	struct admin_request *c = container_of(g, struct admin_request, grave);

	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void
end(struct admin_request *c)
{
	struct loop *l = c->server->config.loop;

	loop_disarm(l, &c->timer);
	loop_close(l, &c->io);
	list_remove(&c->link);
	c->server->nclients--;
	loop_bury(l, &c->grave);
}

static void
write_out(struct admin_request *c)
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
	end(c);
}

void
oneshot_answer(struct admin_request *c, struct buf *answer)
{
	if (c->answered)
		return;
	c->answered = true;
	buf_fini(&c->out);
	c->out = *answer;
	*answer = (struct buf){0};
	write_out(c);
}

/* A client that leaves while its answer is being made is noticed when we
 * write. */
static void
read_in(struct admin_request *c)
{
	const struct oneshot_config *config = &c->server->config;

	while (!c->asked) {
		ssize_t n = recv(c->io.fd, buf_reserve(&c->in, READ_BYTES),
			READ_BYTES, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || buf_len(&c->in) > config->question_max_bytes) {
			end(c);
			return;
		}
		buf_commit(&c->in, (size_t)n);
		c->asked = config->fn(config->ctx, c, buf_view(&c->in));
	}
}

static void
on_io(struct source *s, uint32_t events)
{
	struct admin_request *c = container_of(s, struct admin_request, io);

	if (c->answered)
		write_out(c);
	else if (!c->asked && events & EPOLLIN)
		read_in(c);
}

static void
arm(struct admin_request *c)
{
	const struct oneshot_config *config = &c->server->config;

	loop_arm(config->loop, &c->timer, config->timeout_s * NS_PER_S);
}

static void
on_timer(struct timer *t)
{
	struct admin_request *c = container_of(t, struct admin_request, timer);

	/* Whoever makes the answer still holds the client. */
	if (c->asked && !c->answered)
		arm(c);
	else
		end(c);
}

static void
begin(struct oneshot_server *s, int fd)
{
	struct admin_request *c = NEW(struct admin_request);

	c->server = s;
	c->io = (struct source){.fd = -1, .on_io = on_io};
	c->timer.on_timer = on_timer;
	c->grave.bury = bury;
	if (s->nclients >= s->config.clients_max ||
		loop_watch(s->config.loop, &c->io, fd) < 0) {
		close(fd);
		free(c);
		return;
	}
	list_push_back(&s->clients, &c->link);
	s->nclients++;
	arm(c);
}

static void
on_accept(struct source *source, uint32_t events)
{
	struct oneshot_server *s =
		container_of(source, struct oneshot_server, listener);
	int fd;

	(void)events;
	while ((fd = accept4(source->fd, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		begin(s, fd);
}

int
oneshot_listen(const struct oneshot_config *config, int fd,
	struct oneshot_server **out)
{
	struct oneshot_server *s = NEW(struct oneshot_server);
	int r;

	s->config = *config;
	s->listener = (struct source){.fd = -1, .on_io = on_accept};
	list_init(&s->clients);
	r = loop_watch(config->loop, &s->listener, fd);
	if (r < 0) {
		close(fd);
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
oneshot_close(struct oneshot_server *s)
{
	list_foreach_safe (it, &s->clients)
		end(container_of(it, struct admin_request, link));
	loop_close(s->config.loop, &s->listener);
	free(s);
}
