#include "proxy/reply.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "http/chunk.h"
#include "http/trailers.h"
#include "proxy/bulk.h"
#include "proxy/send.h"

enum {
	CHUNK_BYTES = 16 * 1024, /* of an answer of unknown length */
	JOIN_BYTES = 4 * 1024,	 /* of a body that is copied to its head */
	OUT_MAX = 64 * 1024,	 /* written ahead of the socket */
};

void
reply_reset(struct reply *r)
{
	struct buf out = r->out;

	buf_consume(&out, buf_len(&out));
	*r = (struct reply){.out = out};
}

void
reply_interim(struct reply *r, const struct exchange *x, struct str interim)
{
	if (x->head.minor >= 1 && !r->head_written &&
		buf_len(&r->out) < OUT_MAX)
		buf_str(&r->out, interim);
}

void
reply_error(struct reply *r, const struct node_config *config, bool is_head,
	struct route_error error, bool keep_alive)
{
	const char *node = config->peers[config->self].name;

	r->head_written = r->ended = true;
	if (error.status < 400)
		answer_options(node, keep_alive, &r->out);
	else
		answer_error(node, is_head, error.status, error.why, keep_alive,
			&r->out);
}

bool
reply_head(struct reply *r, struct exchange *x, bool keep_alive)
{
	if (exchange_phase(x) != EXCHANGE_READY) {
		/* It does not say that the connection stays, which a client of
		 * HTTP/1.0 would have to be told. */
		keep_alive = keep_alive && x->head.minor > 0;
		reply_error(r, x->worker->node->config,
			x->head.method == METHOD_HEAD, exchange_error(x),
			keep_alive);
		return keep_alive;
	}
	r->head_written = true;
	r->answer = answer_to_client(x, keep_alive, &r->out);
	r->ended = r->answer.framing == ANSWER_NO_BODY;
	exchange_tally(
		x, r->answer.framing == ANSWER_LENGTH ? r->answer.length : 0);
	return keep_alive && r->answer.framing != ANSWER_CLOSE;
}

/* Body bytes as chunks into out. */
static void
chunk_out(struct reply *r, struct exchange *x)
{
	char head[CHUNK_HEAD_MAX];
	struct str s;

	while (buf_len(&r->out) < OUT_MAX && content_peek(&x->content, &s, 1)) {
		if (s.n > CHUNK_BYTES)
			s.n = CHUNK_BYTES;
		buf_append(&r->out, head, chunk_head(head, s.n));
		buf_str(&r->out, s);
		buf_z(&r->out, "\r\n");
		content_advance(&x->content, s.n);
	}
}

static void
end(struct reply *r, const struct exchange *x)
{
	r->ended = true;
	if (r->answer.framing != ANSWER_CHUNKED)
		return;
	buf_z(&r->out, "0\r\n");
	if (trailers_are_wanted(&x->head))
		buf_str(&r->out, exchange_trailers(x));
	buf_z(&r->out, "\r\n");
}

/* A small body goes behind its head: two pieces of memory cost the kernel 190
 * ns more than one. To copy 10 KB costs half of that if all is in the first
 * cache, and more where others use the machine. */
static void
join_small_body(struct reply *r, struct exchange *x)
{
	struct str s;

	if (buf_len(&r->out) && content_peek(&x->content, &s, 1) &&
		s.n <= JOIN_BYTES) {
		buf_str(&r->out, s);
		content_advance(&x->content, s.n);
	}
}

enum reply_state
reply_body(struct reply *r, struct exchange *x)
{
	if (r->ended)
		return REPLY_ENDED;
	if (r->answer.framing == ANSWER_CHUNKED)
		chunk_out(r, x);
	else
		join_small_body(r, x);
	switch (content_state(&x->content)) {
	case BODY_OPEN: break;
	case BODY_DONE: end(r, x); return REPLY_ENDED;
	case BODY_FAILED: return buf_len(&r->out) ? REPLY_OPEN : REPLY_BROKEN;
	}
	return REPLY_OPEN;
}

static bool
has_plain_body(const struct reply *r)
{
	return r->head_written && !r->ended &&
		r->answer.framing != ANSWER_CHUNKED;
}

static void
sent(struct reply *r, struct exchange *x, size_t n)
{
	size_t from_out = buf_len(&r->out) < n ? buf_len(&r->out) : n;

	r->sent_bytes += n;
	if (from_out)
		buf_consume(&r->out, from_out);
	if (n > from_out)
		content_advance(&x->content, n - from_out);
}

ssize_t
reply_send(struct reply *r, struct exchange *x, int fd, bool full,
	const struct pages *pages)
{
	struct content *body = x && has_plain_body(r) ? &x->content : NULL;
	struct bulk *bulk = body ? body->bulk : NULL;
	struct str slices[SEND_SLICES];
	size_t n = body && !bulk ? content_peek(body, slices, SEND_SLICES) : 0;
	ssize_t done;

	if (!n && !bulk && !buf_len(&r->out))
		return -ENODATA;
	if (full)
		return -EAGAIN;
	done = bulk
		? bulk_send(bulk, fd, buf_view(&r->out))
		: send_slices(fd, pages, buf_view(&r->out), slices, n, false);
	if (done > 0)
		sent(r, x, (size_t)done);
	return done ? done : -ENODATA;
}

uint64_t
reply_newly_taken(struct reply *r, int fd)
{
	uint64_t before = r->taken_bytes;
	int queued = 0;

	/* Bytes of earlier replies may be among them. */
	(void)ioctl(fd, SIOCOUTQ, &queued);
	if (r->sent_bytes > before + (uint64_t)queued)
		r->taken_bytes = r->sent_bytes - (uint64_t)queued;
	return r->taken_bytes - before;
}
