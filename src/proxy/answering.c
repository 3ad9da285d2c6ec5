#include "proxy/answering.h"

#include <errno.h>

enum { WAIT_BYTES = 4 * 1024 };

static const struct node_config *
config_of(const struct client *c)
{
	return c->worker->node->config;
}

/* --- the request's body --------------------------------------------------- */

/* Nobody wants the rest: we answer, and close, since where the next request
 * would begin is unknown. */
static void
give_up_upload(struct request *q, unsigned status, const char *why)
{
	upload_give_up(&q->upload, status, why);
	q->keep_alive = false;
}

static enum answering
await_upload(struct request *q, struct client *c)
{
	ssize_t n = client_read(c, &q->in);

	if (n < 0)
		return ANSWERING_LOST;
	if (n == 0 && !c->eof) {
		if (!q->upload.expected)
			client_await(
				c, &q->pace, config_of(c)->body_timeout_ns);
		return ANSWERING_WAIT;
	}
	client_moved(c, &q->pace, (uint64_t)n);
	if (n == 0)
		give_up_upload(q, 400, "the request's body ended early");
	else if (client_is_slow(c, &q->pace))
		give_up_upload(q, 408, "the request's body is too slow");
	return ANSWERING_MOVED;
}

static enum answering
take_upload(struct request *q, struct client *c)
{
	switch (upload_step(&q->upload, &q->in)) {
	case UPLOAD_IDLE: return ANSWERING_WAIT;
	case UPLOAD_MORE: return await_upload(q, c);
	case UPLOAD_GIVEN_UP: q->keep_alive = false; break;
	case UPLOAD_MOVED: break;
	}
	client_moved(c, &q->pace, 0);
	return ANSWERING_MOVED;
}

/* --- the answer ----------------------------------------------------------- */

static void
write_head(struct request *q, const struct client *c)
{
	request_borrow(q);
	/* An answer that does not wait for the request's end can't be followed
	 * by another one. */
	q->keep_alive = q->keep_alive && q->upload.done && !c->eof;
	if (exchange_phase(q->x) == EXCHANGE_FAILED &&
		exchange_error(q->x).status >= 500)
		count(&c->worker->counters.errors, 1);
	q->keep_alive = reply_head(&q->reply, q->x, q->keep_alive);
}

/* Writes what there is of the answer, and sees what has become of it. */
static enum reply_state
compose(struct request *q, const struct client *c)
{
	if (!q->x)
		return REPLY_ENDED;
	if (!q->reply.head_written) {
		if (exchange_phase(q->x) == EXCHANGE_WAITING)
			return REPLY_OPEN;
		write_head(q, c);
	}
	return reply_body(&q->reply, q->x);
}

/* The socket has no room, or still none. */
static enum answering
await_reader(struct request *q, struct client *c)
{
	uint64_t timeout_ns = config_of(c)->idle_timeout_ns;
	uint64_t taken = reply_newly_taken(&q->reply, c->io.fd);

	if (taken)
		client_moved(c, &q->pace, taken);
	if (client_is_slow(c, &q->pace))
		return ANSWERING_DROP;
	/* Whether it is slow has to be looked at more often. */
	if (config_of(c)->min_rate_bytes &&
		timeout_ns > PACE_WINDOW_S * NS_PER_S)
		timeout_ns = PACE_WINDOW_S * NS_PER_S;
	client_await(c, &q->pace, timeout_ns);
	return ANSWERING_WAIT;
}

static bool
is_out(const struct request *q, enum reply_state state)
{
	return state == REPLY_ENDED && !buf_len(&q->reply.out);
}

static enum answering
write_some(struct request *q, struct client *c)
{
	ssize_t n = reply_send(&q->reply, q->x, c->io.fd, !c->writable,
		store_pages(c->worker->node->store));

	if (n >= 0) {
		count(&c->worker->counters.client_bytes, (uint64_t)n);
		client_moved(c, &q->pace, 0);
		return ANSWERING_MOVED;
	}
	if (n == -ENODATA)
		return ANSWERING_WAIT;
	if (n != -EAGAIN)
		return ANSWERING_CUT;
	c->writable = false;
	return c->deadline_ns ? ANSWERING_WAIT : await_reader(q, c);
}

bool
answering_may_wait(struct request *q, struct client *c)
{
	if (!q->x || !q->upload.done || q->x->tunnel)
		return false;
	return compose(q, c) == REPLY_ENDED &&
		buf_len(&q->reply.out) <= WAIT_BYTES;
}

enum answering
answering_step(struct request *q, struct client *c)
{
	enum answering in = q->x ? take_upload(q, c) : ANSWERING_WAIT, out;
	enum reply_state state;

	if (in == ANSWERING_LOST)
		return in;
	if (q->x && q->x->tunnel && exchange_phase(q->x) == EXCHANGE_READY)
		return ANSWERING_TUNNEL;
	state = compose(q, c);
	if (state == REPLY_BROKEN)
		return ANSWERING_CUT;
	out = write_some(q, c);
	if (out == ANSWERING_MOVED && !q->reply.ended)
		state = compose(q, c);
	if (out == ANSWERING_MOVED || out == ANSWERING_WAIT)
		if (is_out(q, state))
			return ANSWERING_ENDED;
	return out == ANSWERING_WAIT ? in : out;
}

enum answering
answering_late(struct request *q, struct client *c)
{
	uint64_t since_ns = q->pace.since_ns;
	uint64_t waited_ns = loop_now_ns(c->worker->loop) - since_ns;
	enum answering a;

	if (!q->upload.done && !q->reply.head_written) {
		give_up_upload(q, 408, "the request's body took too long");
		return ANSWERING_WAIT;
	}
	/* It has not taken more into its socket; but perhaps out of it. */
	a = await_reader(q, c);
	if (a == ANSWERING_WAIT && q->pace.since_ns == since_ns &&
		waited_ns >= config_of(c)->idle_timeout_ns)
		return ANSWERING_DROP;
	return a;
}
