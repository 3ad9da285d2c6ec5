#include "proxy/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/sock.h"
#include "proxy/channel.h"
#include "proxy/membership.h"

enum {
	BULKS_MAX = 64,
	DIALLED_MAX = 8, /* at a time */
	PIPE_BYTES = 1024 * 1024,
	PIPE_MIN = 64 * 1024,
	/* We wait until so much is there, or all: half the CPU per byte (at
	 * 1 MB, against whatever comes). */
	LOW_WATER = 128 * 1024,
};

struct bulk {
	struct source io;
	struct bulks *all; /* borrowed */
	struct list link;
	struct grave grave;
	uint32_t number;
	bool connected, readable;
	bool ended;    /* the owner sends no more than what is there */
	int low_water; /* as the kernel knows it */
	int pipe[2];   /* owned: read from, write to */

	uint64_t to_come; /* of the body, from the socket */
	size_t in_pipe;
	void (*on_progress)(void *user);
	void *user; /* the reader; NULL: none */
};

/* --- its life ------------------------------------------------------------- */

static void
bury(struct grave *g)
{
	struct bulk *b = container_of(g, struct bulk, grave);

	close(b->pipe[0]);
	close(b->pipe[1]);
	free(b);
}

static struct loop *
loop_of(const struct bulk *b)
{
	return b->all->worker->loop;
}

/* What is in the pipe can still be sent. */
static void
disconnect(struct bulk *b)
{
	struct bulks *bs = b->all;

	if (b->io.fd < 0)
		return;
	bs->dialled -= !b->connected;
	bs->n--;
	loop_close(loop_of(b), &b->io);
	list_remove(&b->link);
	if (!b->user)
		loop_bury(loop_of(b), &b->grave);
}

static void
tell(struct bulk *b)
{
	if (b->user)
		b->on_progress(b->user);
}

static bool
say_hello(struct bulk *b)
{
	struct hello h = {ticket_of(&b->all->tickets, b->number), b->number};
	struct buf out = {0};
	ssize_t n;

	channel_put_hello(b->all->worker->node, &h, &out);
	n = send(b->io.fd, buf_head(&out), buf_len(&out), MSG_NOSIGNAL);
	buf_fini(&out);
	return n > 0; /* of a new connection's buffer, that is all */
}

/* Then what the channel says of them is just later than they are. */
static bool
has_unread(const struct bulk *b)
{
	int n = 0;

	(void)ioctl(b->io.fd, FIONREAD, &n);
	return n > 0;
}

static void
on_io(struct source *s, uint32_t events)
{
	struct bulk *b = container_of(s, struct bulk, io);

	if (events & EPOLLOUT && !b->connected) {
		b->connected = true;
		b->all->dialled--;
		if (sock_error(s->fd) < 0 || !say_hello(b))
			disconnect(b);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		b->ended = true;
	if (b->ended && !b->user && !has_unread(b))
		disconnect(b);
	if (events & EPOLLIN || b->ended) {
		b->readable = true;
		tell(b);
	}
}

/* As large as we may: who is not privileged has 64 MB of them in all. Beyond
 * that they are of two pages, and the channel is better. */
static bool
make_pipe(int fd[2])
{
	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) < 0)
		return false;
	for (int n = PIPE_BYTES; n >= PIPE_MIN; n /= 4)
		if (fcntl(fd[1], F_SETPIPE_SZ, n) >= 0)
			return true;
	close(fd[0]);
	close(fd[1]);
	return false;
}

static struct bulk *
bulk_new(struct bulks *bs)
{
	struct bulk *b = NEW(struct bulk);

	if (!make_pipe(b->pipe)) {
		free(b);
		return NULL;
	}
	b->all = bs;
	b->number = ++bs->last;
	b->low_water = 1;
	b->io = (struct source){.fd = -1, .on_io = on_io};
	b->grave.bury = bury;
	return b;
}

/* --- a body --------------------------------------------------------------- */

/* The kernel tells us when so much is there; at once if it is already. */
static void
set_low_water(struct bulk *b)
{
	int n = b->to_come < LOW_WATER ? (int)b->to_come : LOW_WATER;

	if (n == b->low_water || n == 0)
		return;
	(void)setsockopt(b->io.fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n));
	b->low_water = n;
}

bool
bulk_begin(
	struct bulk *b, uint64_t n, void (*on_progress)(void *user), void *user)
{
	if (b->user || !b->connected)
		return false;
	b->to_come = n;
	b->on_progress = on_progress;
	b->user = user;
	set_low_water(b);
	return true;
}

bool
bulk_drop(struct bulk *b)
{
	if (b->user)
		return false;
	disconnect(b);
	return true;
}

void
bulk_end(struct bulk *b)
{
	bool reusable =
		b->io.fd >= 0 && !b->ended && bulk_state(b) == BODY_DONE;

	b->user = NULL;
	if (reusable)
		b->all->on_free(b->all, b->number);
	else if (b->io.fd >= 0)
		disconnect(b);
	else
		loop_bury(loop_of(b), &b->grave);
}

enum body_state
bulk_state(const struct bulk *b)
{
	if (b->in_pipe)
		return BODY_OPEN;
	if (!b->to_come)
		return BODY_DONE;
	return b->io.fd < 0 ? BODY_FAILED : BODY_OPEN;
}

/* From the socket into the pipe, which is empty. */
static void
fill(struct bulk *b)
{
	size_t n = b->to_come < PIPE_BYTES ? (size_t)b->to_come : PIPE_BYTES;
	ssize_t r;

	if (!b->readable || !n || b->io.fd < 0)
		return;
	r = splice(b->io.fd, NULL, b->pipe[1], NULL, n,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (r > 0) {
		b->in_pipe = (size_t)r;
		b->to_come -= (size_t)r;
		b->readable = b->to_come > 0;
		set_low_water(b);
	} else if (r < 0 && errno == EAGAIN) {
		b->readable = false;
	} else {
		disconnect(b);
	}
}

static ssize_t
send_out(int fd, struct str out, bool more)
{
	ssize_t r =
		send(fd, out.p, out.n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));

	return r < 0 ? -errno : r;
}

/* From the pipe to fd. */
static ssize_t
drain(struct bulk *b, int fd)
{
	ssize_t r = splice(b->pipe[0], NULL, fd, NULL, b->in_pipe,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK |
			(b->to_come ? SPLICE_F_MORE : 0));

	if (r < 0)
		return -errno;
	b->in_pipe -= (size_t)r;
	return r;
}

ssize_t
bulk_send(struct bulk *b, int fd, struct str out)
{
	ssize_t head = 0, body = 0;

	if (!b->in_pipe)
		fill(b);
	/* A head waits for its body: one packet to send, one to wake for. */
	if (!b->in_pipe && bulk_state(b) == BODY_OPEN)
		return 0;
	if (out.n) {
		head = send_out(fd, out, b->in_pipe);
		if (head < (ssize_t)out.n)
			return head;
	}
	if (b->in_pipe)
		body = drain(b, fd);
	else if (bulk_state(b) == BODY_FAILED)
		body = -ECONNABORTED;
	if (head && body < 0)
		return head;
	return head + body;
}

/* --- all of them ---------------------------------------------------------- */

void
bulks_init(struct bulks *bs, struct worker *w, size_t peer)
{
	bs->worker = w;
	bs->peer = peer;
	list_init(&bs->all);
}

void
bulks_want(struct bulks *bs)
{
	const struct node_config *config = bs->worker->node->config;
	struct bulk *b;
	int fd;

	if (bs->n == BULKS_MAX || bs->dialled == DIALLED_MAX)
		return;
	b = bulk_new(bs);
	if (!b)
		return;
	fd = sock_connect(config->peers[config->self].addr,
		membership_addr(bs->worker->node, bs->peer), config->peer_port);
	if (fd < 0 || loop_watch(bs->worker->loop, &b->io, fd) < 0) {
		if (fd >= 0)
			close(fd);
		loop_bury(bs->worker->loop, &b->grave);
		return;
	}
	bs->n++;
	bs->dialled++;
	list_push_back(&bs->all, &b->link);
}

void
bulks_close(struct bulks *bs)
{
	while (!list_empty(&bs->all)) {
		struct bulk *b = container_of(bs->all.next, struct bulk, link);

		disconnect(b);
		tell(b);
	}
}

struct bulk *
bulks_find(struct bulks *bs, uint32_t number)
{
	list_foreach (it, &bs->all) {
		struct bulk *b = container_of(it, struct bulk, link);

		if (b->number == number)
			return b;
	}
	return NULL;
}
