#include "proxy/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "net/proxyproto.h"
#include "net/sock.h"
#include "proxy/answering.h"
#include "proxy/give.h"
#include "proxy/tunnel.h"

enum {
	LINGER_NS = 2000000000,
	LINGER_BYTES = 1024 * 1024,
};

enum conn_state {
	CONN_GREETING,
	CONN_HEAD,
	CONN_ANSWER,
	CONN_GIVING,
	CONN_TUNNEL,
	CONN_LINGER,
	CONN_CLOSED
};

struct conn {
	struct client client;
	struct list link;	 /* in worker->conns */
	struct request *request; /* owned; NULL while idle */
	struct in6_addr addr;	 /* the client's; IPv4 is mapped */
	uint32_t lingered;	 /* bytes */
	enum conn_state state : 8;
	bool partial : 1; /* part of a head is there: its time runs */
	bool taken : 1;	  /* its next request was given to us with it */
	uint8_t owner;	  /* of what was asked for last; a peer's index */
	uint8_t streak;	  /* ... and before, in a row; 0: we are */
};

static_assert(sizeof(struct conn) <= 112, "what an idle client costs");

static void run(struct conn *c);

static void
bury(struct grave *g)
{
	free(container_of(g, struct conn, client.grave));
}

static const struct node_config *
config_of(const struct conn *c)
{
	return c->client.worker->node->config;
}

static bool
is_closed(const struct conn *c)
{
	return c->state == CONN_CLOSED;
}

static void
conn_end(struct conn *c)
{
	struct worker *w = c->client.worker;

	if (is_closed(c))
		return;
	if (c->state == CONN_GIVING && c->request->x->moving)
		give_abandon(c->request);
	c->state = CONN_CLOSED;
	if (c->request)
		request_put(take_ptr(&c->request));
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

/* True when bytes came. */
static bool
read_some(struct conn *c)
{
	ssize_t n = client_read(&c->client, &c->request->in);

	if (n < 0)
		conn_end(c);
	return n > 0;
}

static void
on_wake(struct wake *w)
{
	run(container_of(w, struct request, upload.wake)->conn);
}

/* One for bytes to come. */
static struct buf *
input(struct conn *c)
{
	if (!c->request)
		c->request = request_get(c->client.worker, c, on_wake);
	return &c->request->in;
}

/* More of a head, or of what goes before the first. Once it has begun, it has
 * so long to be complete. */
static bool
await_head(struct conn *c)
{
	bool empty = !buf_len(&c->request->in);

	if (c->client.eof || (c->client.worker->stopping && empty)) {
		conn_end(c);
		return false;
	}
	if (!empty && !c->partial) {
		c->partial = true;
		client_set_deadline(&c->client, config_of(c)->head_timeout_ns);
	}
	return read_some(c) || (!is_closed(c) && c->client.eof);
}

/* --- the PROXY header ----------------------------------------------------- */

static void
learn_client(struct conn *c, const struct proxyproto *p)
{
	if (p->local)
		return;
	if (p->family == PROXYPROTO_IPV4)
		c->addr = sock_mapped(p->source.v4);
	else if (p->family == PROXYPROTO_IPV6)
		c->addr = p->source.v6;
}

static bool
step_greeting(struct conn *c)
{
	struct buf *in = input(c);
	struct proxyproto p;

	switch (proxyproto_parse(buf_view(in), &p)) {
	case PROXYPROTO_MORE: return await_head(c);
	case PROXYPROTO_BAD:
		count(&c->client.worker->counters.proxy_refused, 1);
		conn_end(c);
		return false;
	case PROXYPROTO_DONE: break;
	}
	learn_client(c, &p);
	buf_consume(in, p.bytes);
	c->state = CONN_HEAD;
	c->partial = false;
	client_set_deadline(&c->client, config_of(c)->idle_timeout_ns);
	return true;
}

/* --- a request ------------------------------------------------------------ */

static void
on_ready(struct exchange *x)
{
	run(((struct request *)x->user)->conn);
}

static void
on_interim(struct exchange *x, unsigned status, struct str head)
{
	struct request *q = x->user;

	/* Nobody else waits for a 100. */
	if (status == 100 && !q->upload.expected)
		return;
	if (status == 100)
		q->upload.expected = false;
	reply_interim(&q->reply, x, head);
	wake_post(&q->upload.wake);
}

/* --- its connection is given away ----------------------------------------- */

/* The socket that it had may be another one. */
static void
follow_move(struct conn *c, enum give g)
{
	struct exchange *x = c->request->x;

	switch (g) {
	case GIVE_WAIT: break;
	case GIVE_GONE:
	case GIVE_LOST: conn_end(c); break;
	case GIVE_BACK:
		c->state = CONN_ANSWER;
		exchange_stay(x);
		run(c);
		break;
	}
}

static void
on_move(struct exchange *x, enum move_event e)
{
	struct request *q = x->user;

	follow_move(q->conn, give_on(q, &q->conn->client, e));
}

static bool
on_owner(struct exchange *x, struct peer *p, bool wants)
{
	struct request *q = x->user;
	struct conn *c = q->conn;
	unsigned streak = c->owner == x->owner ? c->streak : 0;

	if ((!wants && !handoff_is_due(x, streak)) ||
		!give_start(q, &c->client, &c->addr, p))
		return false;
	c->state = CONN_GIVING;
	return true;
}

/* --- a request, again ------------------------------------------------------
 */

/* An error before there is an exchange. The rest of what the client sends is
 * not looked at: who can't be understood once can't be understood again. */
static void
refuse(struct conn *c, struct route_error error)
{
	count(&c->client.worker->counters.requests, 1);
	count(&c->client.worker->counters.refused, 1);
	c->request->keep_alive = false;
	reply_error(&c->request->reply, config_of(c), false, error, false);
	c->state = CONN_ANSWER;
}

/* x has the head. */
static void
begin(struct conn *c, struct exchange *x)
{
	struct request *q = c->request;
	uint64_t body_max = config_of(c)->limits.body_bytes;
	struct route_error error;
	struct frame frame;

	c->partial = false;
	if (upload_frame(&x->head, body_max, &frame, &error) < 0) {
		exchange_put(x);
		refuse(c, error);
		return;
	}
	count(&c->client.worker->counters.requests, 1);
	c->client.deadline_ns = 0;
	q->keep_alive =
		head_keep_alive(&x->head) && !c->client.worker->stopping;
	q->x = x;
	q->head_bytes = x->head.bytes;
	x->user = q;
	x->on_ready = on_ready;
	x->on_interim = on_interim;
	x->client = c->addr;
	x->stay = c->taken;
	c->taken = false;
	if (c->client.worker->node->handoff)
		x->on_owner = on_owner;
	x->on_move = on_move;
	upload_begin(&q->upload, &x->head, frame, body_max,
		&c->client.worker->node->flight);
	if (q->upload.flight)
		x->upload = flight_ref(q->upload.flight);
	c->state = CONN_ANSWER;
	exchange_start(x, buf_head(&q->in));
	if (x->upload)
		request_keep_head(q);
}

static bool
step_head(struct conn *c)
{
	struct route_error error;
	struct exchange *x;

	(void)input(c);
	switch (request_parse(c->request, &x, &error)) {
	case 0: begin(c, x); return true;
	case -EAGAIN: return await_head(c);
	default: refuse(c, error); return true;
	}
}

/* --- the answer ----------------------------------------------------------- */

static void
on_tunnel_ready(void *user)
{
	run(user);
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
	client_set_deadline(&c->client, config_of(c)->tunnel_timeout_ns);
}

static void
note_owner(struct conn *c)
{
	const struct exchange *x = c->request->x;

	if (!x || x->from != FROM_PEER) {
		c->streak = 0;
	} else if (c->streak && c->owner == x->owner) {
		c->streak = (uint8_t)(c->streak + (c->streak < UINT8_MAX));
	} else {
		c->owner = (uint8_t)x->owner;
		c->streak = 1;
	}
}

static void
finish_answer(struct conn *c)
{
	note_owner(c);
	request_next(c->request);
	if (!c->request->keep_alive) {
		c->state = CONN_LINGER;
		(void)shutdown(c->client.io.fd, SHUT_WR);
		client_set_deadline(&c->client, LINGER_NS);
		return;
	}
	c->state = CONN_HEAD;
	client_set_deadline(&c->client, config_of(c)->idle_timeout_ns);
}

/* True when there may be more to do at once. */
static bool
follow(struct conn *c, enum answering a)
{
	switch (a) {
	case ANSWERING_WAIT: return false;
	case ANSWERING_MOVED: return true;
	case ANSWERING_ENDED: finish_answer(c); return true;
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

static bool
step_answer(struct conn *c)
{
	return follow(c, answering_step(c->request, &c->client));
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
			&c->client, config_of(c)->tunnel_timeout_ns);
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

	if (!read_some(c)) {
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

	if (c->state == CONN_ANSWER || c->state == CONN_GIVING) {
		request_keep_head(q);
		request_lend(q);
	} else if (c->state <= CONN_HEAD && !buf_len(&q->in)) {
		request_put(take_ptr(&c->request));
	}
}

static void
run(struct conn *c)
{
	bool more = true;

	while (more && !is_closed(c))
		switch (c->state) {
		case CONN_GREETING: more = step_greeting(c); break;
		case CONN_HEAD: more = step_head(c); break;
		case CONN_ANSWER: more = step_answer(c); break;
		case CONN_GIVING: more = false; break;
		case CONN_TUNNEL: more = step_tunnel(c); break;
		case CONN_LINGER: more = step_linger(c); break;
		case CONN_CLOSED: more = false; break;
		}
	if (!is_closed(c))
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
		if (is_closed(c))
			return;
	}
	client_note(&c->client, events);
	if (c->client.readable || c->request)
		run(c);
}

static void
on_deadline(struct conn *c)
{
	static const struct route_error late = {
		408, "the request took too long"};

	if (c->state == CONN_ANSWER) {
		(void)follow(c, answering_late(c->request, &c->client));
	} else if (c->state == CONN_HEAD && c->partial) {
		refuse(c, late);
		run(c);
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
conn_start_taken(
	struct worker *w, int fd, const struct in6_addr *addr, struct str head)
{
	struct conn *c = conn_new(w, fd, addr);

	if (!c)
		return;
	c->taken = true;
	c->client.writable = true;
	buf_str(input(c), head);
	run(c);
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
