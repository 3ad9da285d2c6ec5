#include "proxy/upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/sock.h"

/* The idle connections to one address; at least one. */
struct pool {
	struct list link; /* in the worker's bucket */
	struct in_addr addr;
	uint16_t port;
	struct list idle; /* struct upstream, newest first */
	unsigned n;
};

static struct list *
bucket(struct worker *w, struct in_addr addr, uint16_t port)
{
	uint32_t h = (addr.s_addr ^ port) * UINT32_C(2654435761);

	return &w->pool[h >> 26];
}

static_assert(POOL_BUCKETS == 64, "bucket() takes six bits");

static struct pool *
find_pool(struct worker *w, struct in_addr addr, uint16_t port)
{
	list_foreach (it, bucket(w, addr, port)) {
		struct pool *p = container_of(it, struct pool, link);

		if (p->addr.s_addr == addr.s_addr && p->port == port)
			return p;
	}
	return NULL;
}

static struct pool *
new_pool(struct worker *w, struct in_addr addr, uint16_t port)
{
	struct pool *p = NEW(struct pool);

	p->addr = addr;
	p->port = port;
	list_init(&p->idle);
	list_push_back(bucket(w, addr, port), &p->link);
	return p;
}

static void
leave_pool(struct upstream *u)
{
	struct pool *p = u->pool;

	if (!p)
		return;
	u->pool = NULL;
	list_remove(&u->link);
	loop_disarm(u->worker->loop, &u->timer);
	if (--p->n > 0)
		return;
	list_remove(&p->link);
	free(p);
}

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
	leave_pool(u);
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

/* The newest idle connection that is still good; or NULL. */
static struct upstream *
take_idle(struct worker *w, struct in_addr addr, uint16_t port)
{
	struct pool *p;

	while ((p = find_pool(w, addr, port))) {
		struct upstream *u =
			container_of(p->idle.next, struct upstream, link);

		if (upstream_is_quiet(u)) {
			leave_pool(u);
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

bool
upstream_is_quiet(const struct upstream *u)
{
	char c;

	return !buf_len(&u->in) && recv(u->io.fd, &c, 1, MSG_PEEK) < 0 &&
		errno == EAGAIN;
}

void
upstream_put(struct upstream *u)
{
	struct worker *w = u->worker;
	struct pool *p;

	u->user = NULL;
	if (w->stopping || buf_len(&u->in)) {
		upstream_close(u);
		return;
	}
	buf_shrink(&u->in);
	p = find_pool(w, u->addr, u->port);
	if (!p)
		p = new_pool(w, u->addr, u->port);
	u->pool = p;
	list_push_front(&p->idle, &u->link);
	loop_arm(w->loop, &u->timer, w->node->config->origin_keepalive_ns);
	if (++p->n > w->node->config->origin_idle_max)
		upstream_close(
			container_of(p->idle.prev, struct upstream, link));
}

void
upstream_close_idle(struct worker *w)
{
	for (int i = 0; i < POOL_BUCKETS; i++)
		while (!list_empty(&w->pool[i])) {
			struct pool *p = container_of(
				w->pool[i].next, struct pool, link);

			upstream_close(container_of(
				p->idle.next, struct upstream, link));
		}
}
