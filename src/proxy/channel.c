#include "proxy/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/worker.h"

enum {
	READ_BYTES = 256 * 1024,
	OUT_MAX = 256 * 1024, /* bulk written ahead of the socket */
	PING_MS = 500,
	DEAD_MS = 2000, /* without a word */
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
	int peer; /* index; -1: not known yet */
	bool up, writable;
	bool hung_up;	    /* the end is to be read, behind what is there */
	const char *ending; /* why it is about to end */
	uint64_t heard_ns;
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
	free(ch);
}

static const char *
peer_name(const struct channel *ch)
{
	return ch->peer < 0 ? "?"
			    : ch->worker->node->config->peers[ch->peer].name;
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

struct buf *
channel_begin(struct channel *ch)
{
	static const char header[WIRE_HEADER];

	ch->frame_at = buf_len(&ch->out);
	buf_append(&ch->out, header, sizeof(header));
	return &ch->out;
}

void
channel_end(struct channel *ch, enum wire_type type, uint32_t stream)
{
	size_t n = buf_len(&ch->out) - ch->frame_at - WIRE_HEADER;
	uint32_t header[3] = {
		htonl((uint32_t)n), htonl((uint32_t)type << 24), htonl(stream)};

	CHECK(n <= WIRE_MAX);
	static_assert(sizeof(header) == WIRE_HEADER, "the frame's header");
	memcpy(buf_head(&ch->out) + ch->frame_at, header, sizeof(header));
	loop_defer(ch->worker->loop, &ch->flush);
}

void
channel_send(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload)
{
	buf_str(channel_begin(ch), payload);
	channel_end(ch, type, stream);
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
	const struct node *n = ch->worker->node;
	char text[256];
	int len = snprintf(text, sizeof(text), "sevenfold 2 %s %s %016llx",
		n->config->cluster, n->config->peers[n->config->self].name,
		(unsigned long long)n->view_checksum);

	CHECK(len > 0 && (size_t)len < sizeof(text));
	channel_send(ch, WIRE_HELLO, 0, str_of(text, (size_t)len));
}

static int
find_peer(const struct node_config *config, struct in_addr addr)
{
	for (size_t i = 0; i < config->npeers; i++)
		if (i != config->self &&
			config->peers[i].addr.s_addr == addr.s_addr)
			return (int)i;
	return -1;
}

/* NULL when the hello is fine, or what is wrong with it. */
static const char *
judge_hello(const struct channel *ch, struct str hello)
{
	const struct node *n = ch->worker->node;
	struct str word[5];
	char sum[17];

	for (int i = 0; i < 5; i++)
		if (!str_split(&hello, ' ', &word[i]))
			return "its hello is malformed";
	snprintf(sum, sizeof(sum), "%016llx",
		(unsigned long long)n->view_checksum);
	if (!str_eq(word[0], STR("sevenfold")) || !str_eq(word[1], STR("2")))
		return "it speaks another version";
	if (!str_eq(word[2], str_z(n->config->cluster)))
		return "it belongs to another cluster";
	if (!str_eq(word[3], str_z(peer_name(ch))))
		return "its name is another node's";
	if (!str_eq(word[4], str_z(sum)))
		return "its configuration differs from ours";
	return NULL;
}

static void
on_hello(struct channel *ch, struct str hello)
{
	const char *wrong = judge_hello(ch, hello);

	if (wrong) {
		log_warn("hello_refused peer=%s addr=%s why=\"%s\"",
			peer_name(ch), sock_text(ch->addr, 0).z, wrong);
		channel_close(ch, wrong);
		return;
	}
	ch->up = true;
	ch->user->on_up(ch->user, (size_t)ch->peer);
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
	ch->heard_ns = loop_now_ns(ch->worker->loop);
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

static void
on_timer(struct timer *t)
{
	struct channel *ch = container_of(t, struct channel, timer);
	uint64_t silent_ns = loop_now_ns(ch->worker->loop) - ch->heard_ns;

	if (silent_ns > DEAD_MS * NS_PER_MS) {
		channel_close(ch, "it is silent");
		return;
	}
	if (ch->up)
		channel_send(ch, WIRE_PING, 0, STR(""));
	loop_arm(ch->worker->loop, &ch->timer, PING_MS * NS_PER_MS);
}

struct channel *
channel_new(struct worker *w, int fd, int dialled, struct in_addr addr,
	struct channel_user *user)
{
	struct channel *ch = NEW(struct channel);

	ch->worker = w;
	ch->user = user;
	ch->addr = addr;
	ch->peer = dialled >= 0 ? dialled : find_peer(w->node->config, addr);
	ch->io = (struct source){.fd = -1, .on_io = on_io};
	ch->timer.on_timer = on_timer;
	ch->flush.run = flush;
	ch->grave.bury = bury;
	ch->heard_ns = loop_now_ns(w->loop);
	if (ch->peer < 0 || loop_watch(w->loop, &ch->io, fd) < 0) {
		close(fd);
		free(ch);
		return NULL;
	}
	list_push_back(&w->channels, &ch->link);
	loop_arm(w->loop, &ch->timer, PING_MS * NS_PER_MS);
	say_hello(ch);
	return ch;
}
