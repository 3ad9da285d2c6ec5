#include "proxy/client.h"

#include <errno.h>
#include <sys/socket.h>

enum { READ_BYTES = 16 * 1024 };

void
client_note(struct client *c, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP))
		c->readable = true;
	if (events & EPOLLRDHUP)
		c->hung_up = true;
	if (events & EPOLLOUT)
		c->writable = true;
}

ssize_t
client_read(struct client *c, struct buf *in)
{
	ssize_t n;

	if (!c->readable || c->eof)
		return 0;
	n = recv(c->io.fd, buf_reserve(in, READ_BYTES), READ_BYTES, 0);
	if (n > 0) {
		buf_commit(in, (size_t)n);
		/* Fewer than there was room for are all there are; more will be
		 * an event. */
		c->readable = n == READ_BYTES || c->hung_up;
		return n;
	}
	if (n < 0 && errno != EAGAIN)
		return -errno;
	c->readable = false;
	c->eof = n == 0;
	return 0;
}

void
client_reset_at_end(struct client *c)
{
	struct linger reset = {.l_onoff = 1};

	(void)setsockopt(
		c->io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void
client_set_deadline(struct client *c, uint64_t in_ns)
{
	struct loop *l = c->worker->loop;

	c->deadline_ns = loop_now_ns(l) + in_ns;
	if (!c->timer.slot || c->timer.at_ns > c->deadline_ns)
		loop_arm(l, &c->timer, in_ns);
}

bool
client_is_due(struct client *c)
{
	uint64_t now_ns = loop_now_ns(c->worker->loop);

	if (!c->deadline_ns)
		return false;
	if (c->deadline_ns > now_ns) {
		loop_arm(c->worker->loop, &c->timer, c->deadline_ns - now_ns);
		return false;
	}
	c->deadline_ns = 0;
	return true;
}

void
client_await(struct client *c, struct pace *p, uint64_t timeout_ns)
{
	pace_wait(p, loop_now_ns(c->worker->loop));
	if (!c->deadline_ns)
		client_set_deadline(c, timeout_ns);
}

void
client_moved(struct client *c, struct pace *p, uint64_t n)
{
	c->deadline_ns = 0;
	pace_moved(p, loop_now_ns(c->worker->loop), n);
}

bool
client_is_slow(struct client *c, struct pace *p)
{
	bool slow = pace_is_slow(p, loop_now_ns(c->worker->loop),
		c->worker->node->config->min_rate_bytes);

	if (slow)
		count(&c->worker->counters.slow, 1);
	return slow;
}
