#include "proxy/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "handoff/seal.h"
#include "net/sock.h"
#include "proxy/membership.h"
#include "proxy/worker.h"

enum {
	READ_BYTES = 256 * 1024,
	OUT_MAX = 256 * 1024, /* bulk written ahead of the socket */
	PING_MS = 500,
	DEAD_PINGS = 4, /* without a word */
};

struct channel {
	struct source io;
	struct worker *worker;	   /* borrowed */
	struct channel_user *user; /* borrowed; NULL after on_down */
	struct list link;	   /* in worker->channels */
	struct grave grave;
	struct timer timer;
	struct task flush;
	struct in_addr addr;
	int peer;     /* index */
	uint64_t key; /* see hello.h */
	bool accepted, up, writable;
	bool host_silent;   /* see channel_host_is_silent() */
	bool hung_up;	    /* the end is to be read, behind what is there */
	const char *ending; /* why it is about to end */
	unsigned unheard;   /* pings since its last word */
	struct seal *seal_in, *seal_out; /* owned; NULL: none */
	struct buf in; /* part of a frame, between two reads */
	struct buf out;
	size_t frame_at; /* in out's content: the frame being written */
};

static void
bury(struct grave *g)
{
	struct channel *ch = container_of(g, struct channel, grave);

	buf_fini(&ch->in);
	buf_fini(&ch->out);
	seal_free(ch->seal_in);
	seal_free(ch->seal_out);
	free(ch);
}

static const char *
peer_name(const struct channel *ch)
{
	return membership_name(ch->worker->node, (size_t)ch->peer);
}

static void
end(struct channel *ch)
{
	struct worker *w = ch->worker;

	if (ch->io.fd < 0)
		return;
	if (ch->up)
		log_info("channel_down peer=%s why=\"%s\"", peer_name(ch),
			ch->ending);
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

/* --- frames out ---------------------------------------------------------- */

/* Where it is in out. */
static size_t
begin_frame(struct buf *out)
{
	static const char header[WIRE_HEADER];
	size_t at = buf_len(out);

	buf_append(out, header, sizeof(header));
	return at;
}

static void
end_frame(struct buf *out, size_t at, enum wire_type type, uint32_t stream)
{
	size_t n = buf_len(out) - at - WIRE_HEADER;
	uint32_t header[3] = {
		htonl((uint32_t)n), htonl((uint32_t)type << 24), htonl(stream)};

	CHECK(n <= WIRE_MAX);
	static_assert(sizeof(header) == WIRE_HEADER, "the frame's header");
	memcpy(buf_head(out) + at, header, sizeof(header));
}

struct buf *
channel_begin(struct channel *ch)
{
	ch->frame_at = begin_frame(&ch->out);
	return &ch->out;
}

void
channel_end(struct channel *ch, enum wire_type type, uint32_t stream)
{
	end_frame(&ch->out, ch->frame_at, type, stream);
	loop_defer(ch->worker->loop, &ch->flush);
}

void
channel_put_hello(const struct node *n, const struct hello *h, struct buf *out)
{
	size_t at = begin_frame(out);

	hello_put(n, h, out);
	end_frame(out, at, WIRE_HELLO, 0);
}

void
channel_send(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload)
{
	buf_str(channel_begin(ch), payload);
	channel_end(ch, type, stream);
}

/* What is sealed with a frame's payload. */
static struct str
about(enum wire_type type, uint32_t stream, uint32_t out[2])
{
	out[0] = htonl((uint32_t)type);
	out[1] = htonl(stream);
	return str_of((char *)out, 8);
}

bool
channel_is_sealed(const struct channel *ch)
{
	return ch->seal_in && ch->seal_out;
}

bool
channel_send_sealed(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload)
{
	uint32_t header[2];

	if (!channel_is_sealed(ch) ||
		seal_put(ch->seal_out, about(type, stream, header), payload,
			channel_begin(ch)) < 0)
		return false;
	channel_end(ch, type, stream);
	return true;
}

bool
channel_open_sealed(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload, struct buf *out)
{
	uint32_t header[2];

	return channel_is_sealed(ch) &&
		seal_open(ch->seal_in, about(type, stream, header), payload,
			out) == 0;
}

bool
channel_wait_us(const struct channel *ch, double *out)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	if (getsockopt(ch->io.fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0 ||
		n < offsetof(struct tcp_info, tcpi_min_rtt) + 4)
		return false;
	*out = (double)info.tcpi_rtt - (double)info.tcpi_min_rtt;
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

static bool
write_out(struct channel *ch)
{
	ssize_t n;

	if (!buf_len(&ch->out) || !ch->writable)
		return false;
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

/* --- frames in ----------------------------------------------------------- */

static void
say_hello(struct channel *ch)
{
	struct hello h = {.key = ch->key};

	channel_put_hello(ch->worker->node, &h, &ch->out);
	loop_defer(ch->worker->loop, &ch->flush);
}

/* Both ends have said what they made up. */
static void
make_seals(struct channel *ch, uint64_t theirs)
{
	const struct node_config *config = ch->worker->node->config;
	const char *us = config->peers[config->self].name, *it = peer_name(ch);
	struct seal_context c = {
		.secret = config->secret,
		.cluster = config->cluster,
		.dialler = ch->accepted ? it : us,
		.acceptor = ch->accepted ? us : it,
		.dialler_key = ch->accepted ? theirs : ch->key,
		.acceptor_key = ch->accepted ? ch->key : theirs,
	};

	if (!config->secret.p)
		return;
	ch->seal_in = seal_new(&c, ch->accepted);
	ch->seal_out = seal_new(&c, !ch->accepted);
}

/* Whoever accepted speaks second, and not at all where bodies will follow. */
static void
on_hello(struct channel *ch, struct str text)
{
	struct hello h;
	const char *wrong =
		hello_parse(ch->worker->node, (size_t)ch->peer, text, &h);

	if (wrong) {
		log_warn("hello_refused peer=%s addr=%s why=\"%s\"",
			peer_name(ch), sock_text(ch->addr, 0).z, wrong);
		channel_close(ch, wrong);
		return;
	}
	if (ch->accepted && !h.bulk)
		say_hello(ch);
	if (!h.bulk)
		make_seals(ch, h.key);
	ch->up = true;
	ch->user->on_up(ch->user, (size_t)ch->peer, &h);
}

static void
on_frame(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload)
{
	if (!ch->up && type != WIRE_HELLO)
		channel_close(ch, "it did not say hello");
	else if (!ch->up)
		on_hello(ch, payload);
	else if (type != WIRE_PING &&
		!ch->user->on_frame(ch->user, type, stream, payload))
		channel_close(ch, "it said what makes no sense");
}

/* Takes whole frames off the front of *in. */
static void
parse(struct channel *ch, struct str *in)
{
	uint32_t header[3];
	size_t n;

	while (!ch->ending && in->n >= WIRE_HEADER) {
		memcpy(header, in->p, WIRE_HEADER);
		n = ntohl(header[0]);
		if (n > WIRE_MAX || ntohl(header[1]) & 0xffffff) {
			channel_close(ch, "it sent no frame of ours");
			return;
		}
		if (in->n < WIRE_HEADER + n)
			return;
		on_frame(ch, (enum wire_type)(ntohl(header[1]) >> 24),
			ntohl(header[2]), str_of(in->p + WIRE_HEADER, n));
		*in = str_of(in->p + WIRE_HEADER + n, in->n - WIRE_HEADER - n);
	}
}

/* Into the worker's buffer, behind what is left from before of a frame: so
 * idle channels have none. False when there is no more for now. */
static bool
read_some(struct channel *ch)
{
	char *at = ch->worker->frames;
	size_t left = buf_len(&ch->in);
	struct str in;
	ssize_t n;

	static_assert(
		WORKER_FRAMES_BYTES >= WIRE_HEADER + WIRE_MAX + READ_BYTES,
		"a frame and what follows");
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
	parse(ch, &in);
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

/* The kernel at the other end acknowledges our pings for as long as it lives,
 * whatever its processes do. */
static bool
host_is_silent(const struct channel *ch)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	return getsockopt(ch->io.fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
		info.tcpi_unacked > 0 &&
		info.tcpi_last_ack_recv > DEAD_PINGS * PING_MS * 3 / 4;
}

bool
channel_host_is_silent(const struct channel *ch)
{
	return ch->host_silent;
}

/* Silence is counted in pings, not in time: if it was us who did not run for a
 * while, the other's words are here, and not read yet. */
static void
on_timer(struct timer *t)
{
	struct channel *ch = container_of(t, struct channel, timer);

	if (ch->unheard++ == DEAD_PINGS) {
		ch->host_silent = host_is_silent(ch);
		channel_close(ch, "it is silent");
		return;
	}
	if (ch->up)
		channel_send(ch, WIRE_PING, 0, STR(""));
	loop_arm(ch->worker->loop, &ch->timer, PING_MS * NS_PER_MS);
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
	ch->io = (struct source){.fd = -1, .on_io = on_io};
	ch->timer.on_timer = on_timer;
	ch->flush.run = flush;
	ch->grave.bury = bury;
	if (peer < 0 || loop_watch(w->loop, &ch->io, fd) < 0) {
		close(fd);
		free(ch);
		return NULL;
	}
	list_push_back(&w->channels, &ch->link);
	loop_arm(w->loop, &ch->timer, PING_MS * NS_PER_MS);
	return ch;
}

struct channel *
channel_dialled(struct worker *w, int fd, size_t peer, uint64_t key,
	struct channel_user *user)
{
	struct in_addr addr = membership_addr(w->node, peer);
	struct channel *ch = channel_new(w, fd, (int)peer, addr, user);

	if (!ch)
		return NULL;
	ch->key = key;
	say_hello(ch);
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
	(void)!getrandom(&ch->key, sizeof(ch->key), 0);
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
