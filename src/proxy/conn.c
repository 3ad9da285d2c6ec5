#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "net/sock.h"
#include "proxy/answering.h"
#include "proxy/conn_internal.h"
#include "proxy/give.h"
#include "proxy/tunnel.h"

enum {
	LINGER_NS = 2000000000,
	LINGER_BYTES = 1024 * 1024,
};

static void
bury(struct grave *g)
{
	free(container_of(g, struct conn, client.grave));
}

void
conn_end(struct conn *c)
{
	struct worker *w = c->client.worker;

	if (conn_is_closed(c))
		return;
	if (c->state == CONN_GIVING && c->request->x->moving)
		give_abandon(c->request);
	c->state = CONN_CLOSED;
	if (c->request)
		request_put(take_ptr(&c->request));
	if (c->tenure)
		tenure_end(w->node->handoff->tenures, take_ptr(&c->tenure));
	loop_disarm(w->loop, &c->client.timer);
	loop_close(w->loop, &c->client.io);
	list_remove(&c->link);
	c->client.grave = (struct grave){.bury = bury};
	loop_bury(w->loop, &c->client.grave);
	worker_conn_gone(w);
}

/* The answer can't be completed. A client that was told no length would take
 * an orderly close for the end. */
static void
conn_cut(struct conn *c)
{
	const struct reply *r = &c->request->reply;

	count(&c->client.worker->counters.aborted, 1);
	if (r->head_written && r->answer.framing == ANSWER_CLOSE)
		client_reset_at_end(&c->client);
	conn_end(c);
}

bool
conn_read(struct conn *c)
{
	ssize_t n = client_read(&c->client, &c->request->in);

	if (n < 0)
		conn_end(c);
	return n > 0;
}

/* --- the answer ----------------------------------------------------------- */

static void
on_tunnel_ready(void *user)
{
	conn_run(user);
}

/* The head of the answer has been written: what is behind it is looked at by
 * nobody from now on. */
static void
begin_tunnel(struct conn *c)
{
	struct request *q = c->request;

	request_keep_head(q);
	answer_tunnel(q->x, &q->reply.out);
	q->tunnel = take_ptr(&q->x->tunnel);
	tunnel_attach(q->tunnel, c->client.io.fd, &q->reply.out, &q->in, c,
		on_tunnel_ready);
	request_next(q);
	c->state = CONN_TUNNEL;
	client_set_deadline(&c->client, conn_config(c)->tunnel_timeout_ns);
}

/* Is there anything to be read, or to be seen to, before the next event? */
static bool
is_restless(const struct conn *c)
{
	return buf_len(&c->request->in) || c->client.readable ||
		c->client.eof || c->client.worker->stopping;
}

/* True when there may be more to do at once. */
static bool
finish_answer(struct conn *c)
{
	if (c->request->x)
		conn_note_owner(c);
	request_next(c->request);
	if (!c->request->keep_alive) {
		c->state = CONN_LINGER;
		(void)shutdown(c->client.io.fd, SHUT_WR);
		client_set_deadline(&c->client, LINGER_NS);
		return true;
	}
	c->state = CONN_HEAD;
	client_set_deadline(&c->client, conn_config(c)->idle_timeout_ns);
	return is_restless(c) && !request_yields(c->request);
}

/* True when there may be more to do at once. */
static bool
follow(struct conn *c, enum answering a)
{
	switch (a) {
	case ANSWERING_WAIT: return false;
	case ANSWERING_MOVED: return true;
	case ANSWERING_ENDED: return finish_answer(c);
	case ANSWERING_TUNNEL: begin_tunnel(c); return true;
	case ANSWERING_CUT: conn_cut(c); return false;
	case ANSWERING_DROP:
		/* Or else what is in the socket would be kept for it for as
		 * long as it likes. */
		client_reset_at_end(&c->client);
		conn_cut(c);
		return false;
	case ANSWERING_LOST: conn_end(c); return false;
	}
	return false;
}

/* Reading some requests, and then sending their answers, keeps what the
 * processor has just learnt of use: in turns, each would have to fetch its
 * instructions again. */
static bool
is_put_off(struct conn *c)
{
	struct request *q = c->request;
	bool waits;

	if (q->held)
		return list_linked(&q->unsent);
	waits = answering_may_wait(q, &c->client);
	q->held = q->reply.head_written;
	if (!waits)
		return false;
	conn_note_owner(c);
	request_release(q);
	request_hold(q);
	return true;
}

static bool
step_answer(struct conn *c)
{
	return !is_put_off(c) &&
		follow(c, answering_step(c->request, &c->client));
}

/* --- afterwards ----------------------------------------------------------- */

static bool
step_tunnel(struct conn *c)
{
	bool readable = c->client.readable, writable = c->client.writable;

	c->client.readable = c->client.writable = false; /* the tunnel knows */
	switch (tunnel_run(c->request->tunnel, readable, writable)) {
	case TUNNEL_IDLE: break;
	case TUNNEL_MOVED:
		client_set_deadline(
			&c->client, conn_config(c)->tunnel_timeout_ns);
		break;
	case TUNNEL_ENDED: conn_end(c); break;
	case TUNNEL_BROKEN:
		client_reset_at_end(&c->client);
		conn_end(c);
		break;
	}
	return false;
}

/* What the client still sends is read and dropped for a while: a reset in
 * answer to it could overtake our last words (RFC 9112, 9.6). */
static bool
step_linger(struct conn *c)
{
	size_t n;

	if (!conn_read(c)) {
		if (c->client.eof)
			conn_end(c);
		return false;
	}
	n = buf_len(&c->request->in);
	buf_consume(&c->request->in, n);
	c->lingered += (uint32_t)n;
	if (c->lingered > LINGER_BYTES) {
		conn_end(c);
		return false;
	}
	return true;
}

/* Idle connections have no request, and others don't rely on a buffer that is
 * about to be read into. */
static void
rest(struct conn *c)
{
	struct request *q = c->request;

	if (c->state == CONN_ANSWER || c->state == CONN_GIVING)
		request_wait(q);
	else if (c->state <= CONN_HEAD && !buf_len(&q->in) &&
		!list_linked(&q->yielding))
		request_spare(take_ptr(&c->request));
}

void
conn_run(struct conn *c)
{
	bool more = true;

	while (more && !conn_is_closed(c))
		switch (c->state) {
		case CONN_GREETING: more = conn_step_greeting(c); break;
		case CONN_HEAD: more = conn_step_head(c); break;
		case CONN_ANSWER: more = step_answer(c); break;
		case CONN_GIVING: more = false; break;
		case CONN_TUNNEL: more = step_tunnel(c); break;
		case CONN_LINGER: more = step_linger(c); break;
		case CONN_CLOSED: more = false; break;
		}
	if (!conn_is_closed(c))
		rest(c);
}

/* --- its course ----------------------------------------------------------- */

/* Both ways, or by an error. In a tunnel there may be something to read yet. */
static void
on_hang_up(struct conn *c)
{
	if (c->state == CONN_ANSWER)
		conn_cut(c);
	else if (c->state == CONN_TUNNEL)
		c->client.readable = c->client.writable = true;
	else
		conn_end(c);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct conn *c = container_of(s, struct conn, client.io);

	if (events & (EPOLLERR | EPOLLHUP)) {
		on_hang_up(c);
		if (conn_is_closed(c))
			return;
	}
	client_note(&c->client, events);
	if (c->client.readable || c->request) {
		struct worker *w = c->client.worker;

		conn_run(c);
		conn_send_some(w);
	}
}

void
conn_send_all(struct task *t)
{
	struct worker *w = container_of(t, struct worker, send_unsent);
	struct request *q;

	while ((q = request_unsent(w)))
		conn_run(q->conn);
}

void
conn_go_on(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, go_on);
	struct list now, *it;

	list_init(&now);
	list_splice_back(&now, &w->yielding);
	while ((it = list_pop_front(&now)))
		conn_run(container_of(it, struct request, yielding)->conn);
}

static void
on_deadline(struct conn *c)
{
	static const struct route_error late = {
		408, "the request took too long"};

	if (c->state == CONN_ANSWER) {
		(void)follow(c, answering_late(c->request, &c->client));
	} else if (c->state == CONN_HEAD && c->partial) {
		conn_refuse(c, late);
		conn_run(c);
	} else {
		conn_end(c);
	}
}

static void
on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, client.timer);

	if (client_is_due(&c->client))
		on_deadline(c);
}

/* NULL, and fd closed, when it can't be watched. */
static struct conn *
conn_new(struct worker *w, int fd, const struct in6_addr *addr)
{
	struct conn *c = NEW(struct conn);

	c->client.worker = w;
	c->client.io = (struct source){.fd = -1, .on_io = on_io};
	c->client.timer.on_timer = on_timer;
	c->addr = *addr;
	c->state = CONN_HEAD;
	if (loop_watch(w->loop, &c->client.io, fd) < 0) {
		close(fd);
		free(c);
		return NULL;
	}
	list_push_back(&w->conns, &c->link);
	count(&w->connections, 1);
	client_set_deadline(&c->client, w->node->config->idle_timeout_ns);
	return c;
}

void
conn_start(struct worker *w, int fd, const struct in6_addr *peer)
{
	const struct node_prefixes *proxies = &w->node->config->proxy_protocol;
	struct conn *c = conn_new(w, fd, peer);

	if (c && node_prefixes_have(proxies, &c->addr))
		c->state = CONN_GREETING;
}

void
conn_start_taken(struct worker *w, int fd, const struct in6_addr *addr,
	struct str head, struct tenure *t)
{
	struct conn *c = conn_new(w, fd, addr);

	if (!c) {
		tenure_end(w->node->handoff->tenures, t);
		return;
	}
	c->taken = true;
	c->tenure = t;
	c->client.writable = true;
	buf_str(conn_input(c), head);
	conn_run(c);
}

void
conn_drain_all(struct worker *w)
{
	list_foreach_safe (it, &w->conns) {
		struct conn *c = container_of(it, struct conn, link);

		if (c->state <= CONN_HEAD && !c->partial)
			conn_end(c);
	}
}

void
conn_abort_all(struct worker *w)
{
	list_foreach_safe (it, &w->conns)
		conn_end(container_of(it, struct conn, link));
}
