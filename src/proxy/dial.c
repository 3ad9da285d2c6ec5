#include "proxy/dial.h"

#include <errno.h>

#include "base/own.h"
#include "proxy/origin.h"

enum { CONNECTIONS_MAX = 8 }; /* for one request */

static void connect_next(struct dial *d);

static uint64_t
now_ns(const struct dial *d)
{
	return loop_now_ns(d->worker->loop);
}

static void
note(struct dial *d, unsigned status, const char *why)
{
	d->status = status;
	d->why = why;
}

static bool
may_go_on(const struct dial *d)
{
	return d->connections < CONNECTIONS_MAX && now_ns(d) < d->until_ns;
}

static void
arm(struct dial *d)
{
	loop_arm(d->worker->loop, &d->timer,
		d->worker->node->config->connect_timeout_ns);
}

static void
look_up(struct dial *d, struct str host, uint16_t port)
{
	d->addrs.n = d->next = 0;
	d->port = port;
	d->fresh = d->target.fresh;
	arm(d);
	resolver_ask(d->worker->resolver, host, &d->query);
}

/* The next origin that is well and has not been tried. */
static void
try_origin(struct dial *d)
{
	struct origins *all = d->target.origins;
	struct origin *o = NULL;

	if (all && (d->tried == 0 || may_go_on(d)))
		o = origins_choose(all, d->target.turns, d->tried, now_ns(d));
	if (!o) {
		dial_stop(d);
		d->on_failed(d->user, d->status, d->why);
		return;
	}
	d->origin = o;
	d->tried |= UINT64_C(1) << (o - all->v);
	look_up(d, str_z(o->config->host), o->config->port);
}

/* None of its addresses will do. */
static void
give_up_origin(struct dial *d)
{
	if (d->origin)
		origin_failed(d->origin, now_ns(d), d->why);
	try_origin(d);
}

/* A connection, or the next step towards one. */
static void
hand_over(struct dial *d)
{
	struct upstream *up = take_ptr(&d->up);

	d->reused = up->reused;
	up->user = NULL;
	loop_disarm(d->worker->loop, &d->timer);
	d->on_connected(d->user, up);
}

static void
on_io(void *user)
{
	struct dial *d = user;
	int error = sock_error(d->up->io.fd);

	if (error == 0 && !d->up->writable)
		return;
	if (error == 0) {
		d->up->connected = true;
		hand_over(d);
		return;
	}
	upstream_close(take_ptr(&d->up));
	note(d, error == -ETIMEDOUT ? 504 : 502,
		error == -ECONNREFUSED ? "the origin refuses connections"
				       : "the origin can't be reached");
	connect_next(d);
}

static void
connect_next(struct dial *d)
{
	while (d->next < d->addrs.n && (!d->connections || may_go_on(d))) {
		struct in_addr addr = d->addrs.v[d->next++];

		if (upstream_get(d->worker, addr, d->port, d->fresh, &d->up) <
			0) {
			note(d, 502, "the origin can't be reached");
			continue;
		}
		d->connections++;
		if (d->up->connected) {
			hand_over(d);
			return;
		}
		d->up->user = d;
		d->up->on_io = on_io;
		arm(d);
		return;
	}
	give_up_origin(d);
}

static void
on_answer(struct dns_query *q, int status, const struct dns_addrs *addrs)
{
	struct dial *d = container_of(q, struct dial, query);

	if (status == 0) {
		d->addrs = *addrs;
		connect_next(d);
		return;
	}
	note(d, status == -ETIMEDOUT ? 504 : 502,
		"the origin's name can't be resolved");
	give_up_origin(d);
}

static void
on_timer(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, timer);

	if (d->up) {
		upstream_close(take_ptr(&d->up));
		note(d, 504, "the origin took too long to connect");
		connect_next(d);
		return;
	}
	dns_query_cancel(&d->query);
	note(d, 504, "the origin's name can't be resolved in time");
	give_up_origin(d);
}

void
dial_start(struct dial *d, struct worker *w, const struct dial_target *target)
{
	d->worker = w;
	d->target = *target;
	d->until_ns =
		loop_now_ns(w->loop) + w->node->config->first_byte_timeout_ns;
	d->query.on_answer = on_answer;
	d->timer.on_timer = on_timer;
	if (target->origins)
		try_origin(d);
	else
		look_up(d, target->host, target->port);
}

void
dial_dead(struct dial *d, unsigned status, const char *why)
{
	note(d, status, why);
	if (d->origin && !d->reused)
		origin_failed(d->origin, now_ns(d), why);
}

void
dial_silent(struct dial *d, const char *why)
{
	if (d->origin)
		origin_failed(d->origin, now_ns(d), why);
}

void
dial_again(struct dial *d)
{
	if (d->reused)
		dial_more(d);
	else
		try_origin(d);
}

void
dial_more(struct dial *d)
{
	d->fresh = true;
	d->next--;
	connect_next(d);
}

void
dial_answered(struct dial *d)
{
	if (d->origin)
		origin_answered(d->origin);
}

void
dial_stop(struct dial *d)
{
	if (!d->worker)
		return;
	upstream_close(take_ptr(&d->up));
	dns_query_cancel(&d->query);
	loop_disarm(d->worker->loop, &d->timer);
}

struct sock_text
dial_text(const struct dial *d)
{
	struct in_addr none = {0};

	return sock_text(d->next ? d->addrs.v[d->next - 1] : none, d->port);
}
