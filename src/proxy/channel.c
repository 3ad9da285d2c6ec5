#include "proxy/channel_internal.h"

#include <errno.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/heat.h"

enum {
	READ_BYTES = 256 * 1024,
	OUT_MAX = 256 * 1024, /* bulk written ahead of the socket */
	PING_MS = 500,
	DEAD_PINGS = 4,	      /* without a word */
	DEAD_PINGS_LINK = 10, /* ... where links are full, and lose some */
	ACK_MS = 30,	      /* the kernel waits for 40, at least */
};

static void
bury(struct grave *g)
{
	struct channel *ch = container_of(g, struct channel, grave);

	buf_fini(&ch->in);
	buf_fini(&ch->out);
	buf_fini(&ch->said);
	seal_free(ch->seal_in);
	seal_free(ch->seal_out);
	lines_free(ch->heads);
	free(ch);
}

static void
end(struct channel *ch)
{
	struct worker *w = ch->worker;

	if (ch->io.fd < 0)
		return;
	if (ch->up)
		log_info("channel_down peer=%s why=\"%s\"",
			channel_peer_name(ch), ch->ending);
	else
		log_debug("channel_failed addr=%s why=\"%s\"",
			sock_text(ch->addr, 0).z, ch->ending);
	loop_disarm(w->loop, &ch->timer);
	loop_close(w->loop, &ch->io);
	task_cancel(&ch->flush);
	list_remove(&ch->link);
	loop_bury(w->loop, &ch->grave);
	ch->user->on_down(ch->user);
}

void
channel_close(struct channel *ch, const char *why)
{
	if (ch->ending)
		return;
	ch->ending = why;
	loop_defer(ch->worker->loop, &ch->flush);
}

void
channel_close_all(struct worker *w)
{
	list_foreach (it, &w->channels)
		channel_close(
			container_of(it, struct channel, link), "we shut down");
}

bool
channel_is_sealed(const struct channel *ch)
{
	return ch->seal_in && ch->seal_out;
}

const struct tickets *
channel_tickets(const struct channel *ch)
{
	return &ch->tickets;
}

/* Mean ones, less than which from the mean nearly all are away: nineteen of
 * twenty, if it is chance that moves them. */
#define DEVIATIONS 2.0

bool
channel_wait(const struct channel *ch, struct wait *out)
{
	struct tcp_info info;
	double mean, least;
	socklen_t n = sizeof(info);

	if (getsockopt(ch->io.fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0 ||
		n < offsetof(struct tcp_info, tcpi_min_rtt) + 4)
		return false;
	mean = (double)info.tcpi_rtt - (double)info.tcpi_min_rtt;
	least = mean - DEVIATIONS * (double)info.tcpi_rttvar;
	*out = (struct wait){mean, least > 0 ? least : 0};
	return true;
}

bool
channel_has_room(const struct channel *ch)
{
	return buf_len(&ch->out) < OUT_MAX;
}

void
channel_fill_later(struct channel *ch)
{
	loop_defer(ch->worker->loop, &ch->flush);
}

/* --- reading and writing -------------------------------------------------- */

/* What is said in answer carries the acknowledgement of what it answers: the
 * kernel waits for that. When it has waited in vain it waits no more, and each
 * acknowledgement is a packet of its own; unless it is told again. */
static void
expect_answer(struct channel *ch)
{
	uint64_t now_ns = loop_now_ns(ch->worker->loop);
	int off = 0;

	if (now_ns - ch->busy_ns > ACK_MS * NS_PER_MS)
		setsockopt(ch->io.fd, IPPROTO_TCP, TCP_QUICKACK, &off,
			sizeof(off));
	ch->busy_ns = now_ns;
}

static bool
write_out(struct channel *ch)
{
	ssize_t n;

	if (!buf_len(&ch->out) || !ch->writable)
		return false;
	channel_close_record(ch, 0);
	if (ch->ending)
		return false;
	expect_answer(ch);
	n = send(
		ch->io.fd, buf_head(&ch->out), buf_len(&ch->out), MSG_NOSIGNAL);
	if (n < 0) {
		ch->writable = false;
		if (errno != EAGAIN)
			ch->ending = "its connection broke";
		return false;
	}
	count(&ch->worker->counters.peer_bytes, (uint64_t)n);
	buf_consume(&ch->out, (size_t)n);
	return true;
}

/* Once a turn, after all else: whatever the turn's events had to say to this
 * peer goes out in one write. */
static void
flush(struct task *t)
{
	struct channel *ch = container_of(t, struct channel, flush);

	do
		if (ch->up && !ch->ending)
			ch->user->fill(ch->user);
	while (!ch->ending && write_out(ch));
	if (ch->ending)
		end(ch);
}

/* Into the worker's buffer, behind what is left from before of a frame or
 * record: so idle channels have none. False when there is no more for now. */
static bool
read_some(struct channel *ch)
{
	char *at = ch->worker->frames;
	size_t left = buf_len(&ch->in);
	struct str in;
	ssize_t n;

	static_assert(
		WORKER_FRAMES_BYTES >= RECORD_HEADER + RECORD_MAX + READ_BYTES,
		"a record and what follows");
	expect_answer(ch);
	n = recv(ch->io.fd, at + left, READ_BYTES, 0);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		channel_close(
			ch, n == 0 ? "it closed" : "its connection broke");
		return false;
	}
	ch->unheard = 0;
	if (left)
		memcpy(at, buf_head(&ch->in), left);
	buf_fini(&ch->in);
	in = str_of(at, left + (size_t)n);
	channel_take(ch, &in);
	if (!ch->ending)
		buf_str(&ch->in, in);
	/* Less than there was room for is all there was. */
	return n == READ_BYTES || ch->hung_up;
}

/* --- its course ---------------------------------------------------------- */

static void
on_io(struct source *s, uint32_t events)
{
	struct channel *ch = container_of(s, struct channel, io);

	if (events & EPOLLOUT) {
		ch->writable = true;
		loop_defer(ch->worker->loop, &ch->flush);
	}
	if (events & (EPOLLERR | EPOLLHUP))
		channel_close(ch, "its connection broke");
	if (events & EPOLLRDHUP)
		ch->hung_up = true;
	if (events & (EPOLLIN | EPOLLRDHUP))
		while (!ch->ending && read_some(ch))
			;
}

static unsigned
dead_pings(const struct channel *ch)
{
	return heat_links_are_scarce(ch->worker->node) ? DEAD_PINGS_LINK
						       : DEAD_PINGS;
}

/* The kernel at the other end acknowledges our pings for as long as it lives,
 * whatever its processes do. */
static bool
host_is_silent(const struct channel *ch)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	return getsockopt(ch->io.fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
		info.tcpi_unacked > 0 &&
		info.tcpi_last_ack_recv > dead_pings(ch) * PING_MS * 3 / 4;
}

bool
channel_host_is_silent(const struct channel *ch)
{
	return ch->host_silent;
}

/* Silence is counted in pings, not in time: if it was us who did not run for a
 * while, the other's words are here, and not read yet. Who has said anything
 * else need not say that he lives. */
static void
on_timer(struct timer *t)
{
	struct channel *ch = container_of(t, struct channel, timer);

	if (ch->unheard++ >= dead_pings(ch)) {
		ch->host_silent = host_is_silent(ch);
		channel_close(ch, "it is silent");
		return;
	}
	if (ch->up && !ch->spoke)
		channel_send(ch, WIRE_PING, 0, STR(""));
	ch->spoke = false;
	loop_arm(ch->worker->loop, &ch->timer, PING_MS * NS_PER_MS);
}

/* What a full link has lost of our few words is sent again every 200 ms or so,
 * not each time later than the last: somebody waits for it. */
static void
hurry(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &on, sizeof(on));
}

static struct channel *
channel_new(struct worker *w, int fd, int peer, struct in_addr addr,
	struct channel_user *user)
{
	struct channel *ch = NEW(struct channel);

	ch->worker = w;
	ch->user = user;
	ch->addr = addr;
	ch->peer = peer;
	(void)!getrandom(&ch->key, sizeof(ch->key), 0);
	ch->io = (struct source){.fd = -1, .on_io = on_io};
	ch->timer.on_timer = on_timer;
	ch->flush.run = flush;
	ch->grave.bury = bury;
	if (peer < 0 || loop_watch(w->loop, &ch->io, fd) < 0) {
		close(fd);
		free(ch);
		return NULL;
	}
	hurry(fd);
	list_push_back(&w->channels, &ch->link);
	loop_arm(w->loop, &ch->timer, PING_MS * NS_PER_MS);
	return ch;
}

struct channel *
channel_dialled(
	struct worker *w, int fd, size_t peer, struct channel_user *user)
{
	struct in_addr addr = membership_addr(w->node, peer);
	struct channel *ch = channel_new(w, fd, (int)peer, addr, user);

	if (!ch)
		return NULL;
	channel_say_hello(ch);
	return ch;
}

struct channel *
channel_accepted(struct worker *w, int fd, struct in_addr addr,
	struct channel_user *user)
{
	int at = membership_find_addr(w->node, addr);
	int peer = at == (int)w->node->config->self ? -1 : at;
	struct channel *ch = channel_new(w, fd, peer, addr, user);

	if (!ch)
		return NULL;
	ch->accepted = true;
	return ch;
}

int
channel_release(struct channel *ch)
{
	struct loop *l = ch->worker->loop;

	ch->ending = "it is another's";
	loop_disarm(l, &ch->timer);
	task_cancel(&ch->flush);
	list_remove(&ch->link);
	loop_bury(l, &ch->grave);
	return loop_release(l, &ch->io);
}
