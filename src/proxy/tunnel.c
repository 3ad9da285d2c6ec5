#include "proxy/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/own.h"
#include "proxy/upstream.h"

enum {
	PIECE_BYTES = 64 * 1024,
	RUN_PIECES = 16, /* in one go; then it is the others' turn */
};

/* One of the two, as the other one's bytes go there. */
struct end {
	int fd; /* borrowed; -1: not there yet */
	bool readable, writable;
	bool eof;	   /* it will say no more */
	bool shut;	   /* and has been told that nothing more will come */
	struct buf behind; /* what it could not take yet */
	_Atomic uint64_t *taken; /* counts bytes that went to it */
	_Atomic uint64_t *said;	 /* ... and that came; NULL: nobody counts */
};

struct tunnel {
	struct worker *worker; /* borrowed */
	struct upstream *up;   /* owned */
	struct end client, origin;
	struct timer again;
	void *user;
	void (*on_ready)(void *user);
};

static void
ready(struct tunnel *t)
{
	if (t->on_ready)
		t->on_ready(t->user);
}

static void
on_io(void *user)
{
	struct tunnel *t = user;

	t->origin.readable |= t->up->readable;
	t->origin.writable |= t->up->writable;
	ready(t);
}

static void
on_again(struct timer *timer)
{
	ready(container_of(timer, struct tunnel, again));
}

struct tunnel *
tunnel_new(struct upstream *up)
{
	struct tunnel *t = NEW(struct tunnel);

	t->worker = up->worker;
	t->up = up;
	t->client.fd = -1;
	t->client.taken = &up->worker->counters.client_bytes;
	t->client.behind = up->in;
	up->in = (struct buf){0};
	t->origin = (struct end){.fd = up->io.fd,
		.readable = up->readable,
		.writable = up->writable,
		.taken = &up->worker->counters.tunnel_bytes,
		.said = &up->worker->counters.origin_bytes};
	t->again.on_timer = on_again;
	up->user = t;
	up->on_io = on_io;
	count(&t->worker->counters.tunnels, 1);
	return t;
}

void
tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	loop_disarm(t->worker->loop, &t->again);
	upstream_close(t->up);
	buf_fini(&t->client.behind);
	buf_fini(&t->origin.behind);
	free(t);
}

void
tunnel_attach(struct tunnel *t, int fd, struct buf *first, struct buf *said,
	void *user, void (*on_ready)(void *user))
{
	t->client.fd = fd;
	t->client.readable = t->client.writable = true;
	buf_str(first, buf_view(&t->client.behind));
	buf_fini(&t->client.behind);
	t->client.behind = *first;
	t->origin.behind = *said;
	*first = *said = (struct buf){0};
	t->user = user;
	t->on_ready = on_ready;
	loop_arm(t->worker->loop, &t->again, 0);
}

/* How much of s it took: 0 when it has no room; or negative errno. */
static ssize_t
give(struct end *to, struct str s)
{
	ssize_t n;

	if (!to->writable || !s.n)
		return 0;
	n = send(to->fd, s.p, s.n, MSG_NOSIGNAL);
	if (n >= 0) {
		count(to->taken, (uint64_t)n);
		return n;
	}
	if (errno != EAGAIN)
		return -errno;
	to->writable = false;
	return 0;
}

static ssize_t
give_behind(struct end *to)
{
	ssize_t n = give(to, buf_view(&to->behind));

	if (n > 0)
		buf_consume(&to->behind, (size_t)n);
	if (!buf_len(&to->behind))
		buf_fini(&to->behind);
	return n;
}

/* A piece of what one side says: 1; 0 when it says nothing for now, or negative
 * errno. */
static ssize_t
take_piece(struct end *from, struct end *to)
{
	char piece[PIECE_BYTES];
	ssize_t n, given;

	if (!from->readable || from->eof)
		return 0;
	n = recv(from->fd, piece, sizeof(piece), 0);
	if (n > 0) {
		if (from->said)
			count(from->said, (uint64_t)n);
		given = give(to, str_of(piece, (size_t)n));
		if (given >= 0 && given < n)
			buf_append(&to->behind, piece + given,
				(size_t)(n - given));
		return given < 0 ? given : 1;
	}
	if (n < 0 && errno != EAGAIN)
		return -errno;
	from->readable = false;
	from->eof = n == 0;
	return n == 0;
}

/* One step from one side to the other: as take_piece(). */
static ssize_t
move(struct end *from, struct end *to)
{
	if (buf_len(&to->behind))
		return give_behind(to);
	if (!from->eof)
		return take_piece(from, to);
	if (to->shut)
		return 0;
	to->shut = true;
	return shutdown(to->fd, SHUT_WR) < 0 ? -errno : 1;
}

enum tunnel_result
tunnel_run(struct tunnel *t, bool readable, bool writable)
{
	bool moved = false;

	t->client.readable |= readable;
	t->client.writable |= writable;
	for (int i = 0; i < RUN_PIECES; i++) {
		ssize_t in = move(&t->client, &t->origin);
		ssize_t out = in < 0 ? in : move(&t->origin, &t->client);

		if (out < 0)
			return TUNNEL_BROKEN;
		if (t->client.shut && t->origin.shut)
			return TUNNEL_ENDED;
		if (!in && !out)
			return moved ? TUNNEL_MOVED : TUNNEL_IDLE;
		moved = true;
	}
	loop_arm(t->worker->loop, &t->again, 0);
	return TUNNEL_MOVED;
}
