#include "proxy/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/own.h"
#include "http/head.h"
#include "proxy/dial.h"
#include "proxy/origin.h"

struct probe {
	struct worker *worker; /* borrowed */
	struct origin *origin; /* borrowed */
	struct list link;      /* in worker->probes */
	struct timer timer;    /* until the next */
	bool waiting;	       /* for the answer to one */
	struct dial dial;
	struct upstream *up; /* owned; NULL unless connected */
	struct buf request;
};

/* why: what was wrong; NULL: it is well. */
static void
settle(struct probe *p, const char *why)
{
	p->waiting = false;
	dial_stop(&p->dial);
	upstream_close(take_ptr(&p->up));
	origin_checked(p->origin, loop_now_ns(p->worker->loop), why);
}

static void
judge(struct probe *p, const struct head *h)
{
	settle(p,
		h->status < 400 ? NULL : "its check is answered with an error");
}

/* What has arrived so far; ended: nothing more will. */
static void
read_head(struct probe *p, bool ended)
{
	struct buf *in = &p->up->in;
	struct head h;

	for (;;)
		switch (head_parse_response(buf_view(in), &h)) {
		case HEAD_DONE:
			if (h.status >= 200) {
				judge(p, &h);
				return;
			}
			buf_consume(in, h.bytes);
			break;
		case HEAD_MORE:
			if (ended)
				settle(p, "its check is not answered");
			return;
		default: settle(p, "its check's answer is not HTTP"); return;
		}
}

static void
on_io(void *user)
{
	enum { READ_BYTES = 4096 };
	struct probe *p = user;
	ssize_t n;

	while (p->up) {
		n = recv(p->up->io.fd, buf_reserve(&p->up->in, READ_BYTES),
			READ_BYTES, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0)
			buf_commit(&p->up->in, (size_t)n);
		read_head(p, n <= 0);
	}
}

static void
on_connected(void *user, struct upstream *up)
{
	struct probe *p = user;
	size_t n = buf_len(&p->request);

	p->up = up;
	up->user = p;
	up->on_io = on_io;
	/* A new connection has room for so little. */
	if (send(up->io.fd, buf_head(&p->request), n, MSG_NOSIGNAL) !=
		(ssize_t)n)
		settle(p, "its check can't be sent");
}

static void
on_failed(void *user, unsigned status, const char *why)
{
	settle(user, why);
}

static void
on_timer(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);
	const struct node_origin *o = p->origin->config;
	struct dial_target to = {
		.host = str_z(o->host), .port = o->port, .fresh = true};

	if (p->waiting)
		settle(p, "its check takes too long");
	loop_arm(p->worker->loop, t, p->origin->site->check_interval_ns);
	p->waiting = true;
	p->dial = (struct dial){.user = p,
		.on_connected = on_connected,
		.on_failed = on_failed};
	dial_start(&p->dial, p->worker, &to);
}

/* Host is the site's, as clients say it; for all sites, the origin's. */
static void
write_request(struct probe *p)
{
	const struct node_site *s = p->origin->site;
	const char *host = s->hosts[0];

	if (host[0] == '*')
		host = p->origin->config->host;
	buf_printf(&p->request,
		"GET %s HTTP/1.1\r\nHost: %s\r\n"
		"User-Agent: sevenfold-check\r\nConnection: close\r\n\r\n",
		s->check_path, host);
}

static void
probe_start(struct worker *w, struct origin *o)
{
	struct probe *p = NEW(struct probe);

	p->worker = w;
	p->origin = o;
	p->timer.on_timer = on_timer;
	write_request(p);
	list_push_back(&w->probes, &p->link);
	loop_arm(w->loop, &p->timer, 0);
}

void
probe_start_all(struct worker *w)
{
	const struct node_config *config = w->node->config;

	for (size_t i = 0; i < config->nsites; i++) {
		struct origins *all = &w->node->origins[i];

		for (size_t j = 0; config->sites[i].check_path && j < all->n;
			j++)
			probe_start(w, &all->v[j]);
	}
}

void
probe_stop_all(struct worker *w)
{
	list_foreach_safe (it, &w->probes) {
		struct probe *p = container_of(it, struct probe, link);

		list_remove(&p->link);
		loop_disarm(w->loop, &p->timer);
		dial_stop(&p->dial);
		upstream_close(p->up);
		buf_fini(&p->request);
		free(p);
	}
}
