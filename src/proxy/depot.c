#include "proxy/depot.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "proxy/send.h"

enum {
	ARRIVALS = 16, /* that wait for the worker's loop to look */
	IDLE_MS = 5000,
	NUMBERS_KEPT = 64,
};

/* One of the connections. */
struct carrier {
	struct source io;
	struct depot *depot; /* borrowed */
	struct list link;    /* in its idle or busy */
	struct grave grave;
	uint32_t number;
	bool writable;
	struct exchange *x; /* owned; what is being sent */
	uint64_t left;	    /* bytes of it */
	uint64_t idle_since_ns;
};

struct arrival {
	int fd; /* owned */
	uint32_t number;
};

struct depot {
	struct worker *worker; /* borrowed */
	size_t peer;
	struct tickets tickets;
	struct list link; /* in node->depots; guarded by its lock, as are */
	struct arrival arrivals[ARRIVALS];
	size_t narrivals;
	uint32_t highest; /* number that came */
	uint64_t came;	  /* bit i: highest - i has */
	struct wake wake;
	struct list idle; /* used last, first */
	struct list busy;
	struct timer timer;
};

/* --- carriers ------------------------------------------------------------- */

static void
bury(struct grave *g)
{
	free(container_of(g, struct carrier, grave));
}

static void
carrier_close(struct carrier *c)
{
	struct loop *l = c->depot->worker->loop;

	if (c->io.fd < 0)
		return;
	exchange_put(take_ptr(&c->x));
	loop_close(l, &c->io);
	list_remove(&c->link);
	loop_bury(l, &c->grave);
}

/* All that was there has been sent. The peer counts: one byte more or less, and
 * it would take the next body for this one. */
static void
check_end(struct carrier *c)
{
	switch (content_state(&c->x->content)) {
	case BODY_OPEN: break;
	case BODY_DONE:
		if (c->left)
			carrier_close(c);
		else
			exchange_put(take_ptr(&c->x));
		break;
	case BODY_FAILED: carrier_close(c); break;
	}
}

/* True when some went. */
static bool
send_some(struct carrier *c)
{
	struct worker *w = c->depot->worker;
	struct str slices[SEND_SLICES];
	size_t n = content_peek(&c->x->content, slices, SEND_SLICES);
	ssize_t r;

	if (!n || !c->writable)
		return false;
	r = send_slices(c->io.fd, store_pages(w->node->store), STR(""), slices,
		n, false);
	if (r > 0 && (uint64_t)r <= c->left) {
		count(&w->counters.peer_bytes, (uint64_t)r);
		content_advance(&c->x->content, (size_t)r);
		c->left -= (uint64_t)r;
		return true;
	}
	c->writable = false;
	if (r != -EAGAIN)
		carrier_close(c);
	return false;
}

static void
pump(struct carrier *c)
{
	while (c->x && send_some(c))
		check_end(c);
	if (c->x)
		check_end(c);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct carrier *c = container_of(s, struct carrier, io);

	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		carrier_close(c);
		return;
	}
	if (events & EPOLLOUT)
		c->writable = true;
	pump(c);
}

static void
on_ready(struct exchange *x)
{
	pump(x->user);
}

static void
carrier_new(struct depot *d, const struct arrival *a)
{
	struct carrier *c = NEW(struct carrier);

	c->depot = d;
	c->number = a->number;
	c->io = (struct source){.fd = -1, .on_io = on_io};
	c->grave.bury = bury;
	c->idle_since_ns = loop_now_ns(d->worker->loop);
	if (loop_watch(d->worker->loop, &c->io, a->fd) < 0) {
		close(a->fd);
		free(c);
		return;
	}
	list_push_back(&d->idle, &c->link);
}

/* --- sending -------------------------------------------------------------- */

uint32_t
depot_find(const struct depot *d)
{
	if (list_empty(&d->idle))
		return 0;
	return container_of(d->idle.next, struct carrier, link)->number;
}

static struct carrier *
find(struct list *list, uint32_t number)
{
	list_foreach (it, list) {
		struct carrier *c = container_of(it, struct carrier, link);

		if (c->number == number)
			return c;
	}
	return NULL;
}

void
depot_send(
	struct depot *d, uint32_t number, struct exchange *x, uint64_t length)
{
	struct carrier *c = find(&d->idle, number);

	CHECK(c);
	list_remove(&c->link);
	list_push_back(&d->busy, &c->link);
	c->x = x;
	c->left = length;
	x->user = c;
	x->on_ready = on_ready;
	x->on_interim = NULL;
	pump(c);
}

bool
depot_free(struct depot *d, uint32_t number)
{
	struct carrier *c = find(&d->busy, number);

	if (!c)
		return true; /* it may have been lost */
	if (c->left)
		return false;
	/* Whoever fetches it may be about to say that this is the end. */
	exchange_put(take_ptr(&c->x));
	c->idle_since_ns = loop_now_ns(d->worker->loop);
	list_remove(&c->link);
	list_push_front(&d->idle, &c->link);
	return true;
}

static void
on_timer(struct timer *t)
{
	struct depot *d = container_of(t, struct depot, timer);
	uint64_t now_ns = loop_now_ns(d->worker->loop);

	list_foreach_safe (it, &d->idle) {
		struct carrier *c = container_of(it, struct carrier, link);

		if (now_ns - c->idle_since_ns > IDLE_MS * NS_PER_MS)
			carrier_close(c);
	}
	loop_arm(d->worker->loop, t, IDLE_MS * NS_PER_MS);
}

/* --- arrivals ------------------------------------------------------------- */

static bool
take_arrival(struct depot *d, struct arrival *out)
{
	struct node *n = d->worker->node;
	bool any;

	pthread_mutex_lock(&n->depots_lock);
	any = d->narrivals > 0;
	if (any)
		*out = d->arrivals[--d->narrivals];
	pthread_mutex_unlock(&n->depots_lock);
	return any;
}

static void
on_wake(struct wake *w)
{
	struct depot *d = container_of(w, struct depot, wake);
	struct arrival a;

	while (take_arrival(d, &a))
		carrier_new(d, &a);
}

/* They are dialled in order, and come in nearly that. False: that number has
 * been used, or is too old to tell: somebody may repeat what he heard. */
static bool
use_number(struct depot *d, uint32_t number)
{
	uint32_t by;

	if (number > d->highest) {
		by = number - d->highest;
		d->came = (by < NUMBERS_KEPT ? d->came << by : 0) | 1;
		d->highest = number;
		return true;
	}
	by = d->highest - number;
	if (by >= NUMBERS_KEPT || d->came >> by & 1)
		return false;
	d->came |= UINT64_C(1) << by;
	return true;
}

static bool
deliver_locked(struct node *n, size_t peer, const struct hello *h, int fd)
{
	list_foreach (it, &n->depots) {
		struct depot *d = container_of(it, struct depot, link);

		if (d->peer != peer || d->narrivals == ARRIVALS ||
			ticket_of(&d->tickets, h->bulk) != h->key ||
			!use_number(d, h->bulk))
			continue;
		d->arrivals[d->narrivals++] = (struct arrival){fd, h->bulk};
		wake_post(&d->wake);
		return true;
	}
	return false;
}

void
depot_deliver(struct node *n, size_t peer, const struct hello *h, int fd)
{
	bool taken;

	pthread_mutex_lock(&n->depots_lock);
	taken = deliver_locked(n, peer, h, fd);
	pthread_mutex_unlock(&n->depots_lock);
	if (!taken)
		close(fd);
}

/* --- the whole ------------------------------------------------------------ */

struct depot *
depot_open(struct worker *w, size_t peer, const struct tickets *tickets)
{
	struct depot *d = NEW(struct depot);

	d->worker = w;
	d->peer = peer;
	d->tickets = *tickets;
	list_init(&d->idle);
	list_init(&d->busy);
	wake_init(&d->wake, w->loop, on_wake);
	d->timer.on_timer = on_timer;
	loop_arm(w->loop, &d->timer, IDLE_MS * NS_PER_MS);
	pthread_mutex_lock(&w->node->depots_lock);
	list_push_back(&w->node->depots, &d->link);
	pthread_mutex_unlock(&w->node->depots_lock);
	return d;
}

void
depot_close(struct depot *d)
{
	struct node *n;

	if (!d)
		return;
	n = d->worker->node;
	pthread_mutex_lock(&n->depots_lock);
	list_remove(&d->link); /* nobody delivers or wakes any more */
	pthread_mutex_unlock(&n->depots_lock);
	wake_cancel(&d->wake);
	loop_disarm(d->worker->loop, &d->timer);
	for (size_t i = 0; i < d->narrivals; i++)
		close(d->arrivals[i].fd);
	list_foreach_safe (it, &d->idle)
		carrier_close(container_of(it, struct carrier, link));
	list_foreach_safe (it, &d->busy)
		carrier_close(container_of(it, struct carrier, link));
	free(d);
}
