#include "proxy/upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/sock.h"

enum { IDLE_S = 30 };

static struct list *
bucket(struct worker *w, struct in_addr addr, uint16_t port)
{
	uint32_t h = (addr.s_addr ^ port) * UINT32_C(2654435761);

	return &w->pool[h >> 26];
}

static_assert(POOL_BUCKETS == 64, "bucket() takes six bits");

static void
bury(struct grave *g)
{
	struct upstream *u = container_of(g, struct upstream, grave);

	buf_fini(&u->in);
	free(u);
}

void
upstream_close(struct upstream *u)
{
	if (!u)
		return;
	list_remove(&u->link);
	loop_disarm(u->worker->loop, &u->timer);
	loop_close(u->worker->loop, &u->io);
	u->user = NULL;
	loop_bury(u->worker->loop, &u->grave);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct upstream *u = container_of(s, struct upstream, io);

	if (events & EPOLLOUT)
		u->writable = true;
	if (events & ~(uint32_t)EPOLLOUT)
		u->readable = true;
	if (u->user)
		u->on_io(u->user);
	else if (events & ~(uint32_t)EPOLLOUT)
		upstream_close(u); /* idle ones have nothing to say but bye */
}

static void
on_idle(struct timer *t)
{
	upstream_close(container_of(t, struct upstream, timer));
}

/* Whatever an origin says unasked would be taken for the next answer. */
static bool
is_quiet(const struct upstream *u)
{
	char c;

	return recv(u->io.fd, &c, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/* The newest idle connection that is still good; or NULL. */
static struct upstream *
take_idle(struct worker *w, struct in_addr addr, uint16_t port)
{
	list_foreach_safe (it, bucket(w, addr, port)) {
		struct upstream *u = container_of(it, struct upstream, link);

		if (u->addr.s_addr != addr.s_addr || u->port != port)
			continue;
		if (is_quiet(u)) {
			list_remove(&u->link);
			loop_disarm(w->loop, &u->timer);
			u->reused = true;
			return u;
		}
		upstream_close(u);
	}
	return NULL;
}

int
upstream_get(struct worker *w, struct in_addr addr, uint16_t port,
	bool fresh_only, struct upstream **out)
{
	struct upstream *u = fresh_only ? NULL : take_idle(w, addr, port);
	struct in_addr any = {0};
	int fd, r;

	if (u) {
		*out = u;
		return 0;
	}
	fd = sock_connect(any, addr, port);
	if (fd < 0)
		return fd;
	u = NEW(struct upstream);
	u->worker = w;
	u->addr = addr;
	u->port = port;
	u->io = (struct source){.fd = -1, .on_io = on_io};
	u->timer.on_timer = on_idle;
	u->grave.bury = bury;
	list_init(&u->link);
	r = loop_watch(w->loop, &u->io, fd);
	if (r < 0) {
		close(fd);
		free(u);
		return r;
	}
	*out = u;
	return 0;
}

void
upstream_put(struct upstream *u)
{
	struct worker *w = u->worker;

	u->user = NULL;
	if (w->stopping || buf_len(&u->in)) {
		upstream_close(u);
		return;
	}
	buf_shrink(&u->in);
	list_push_front(bucket(w, u->addr, u->port), &u->link);
	loop_arm(w->loop, &u->timer, IDLE_S * NS_PER_S);
}
