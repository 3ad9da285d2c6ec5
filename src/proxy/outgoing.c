#include "proxy/outgoing.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/own.h"
#include "http/chunk.h"

/* Content-Length once, however often the client says it. */
static void
put_length(const struct head *h, struct buf *out)
{
	const struct field *f = head_find(h, FIELD_CONTENT_LENGTH);
	struct str rest, n;

	if (!f)
		return;
	rest = f->value;
	(void)list_next(&rest, &n);
	buf_printf(out, "Content-Length: %.*s\r\n", STR_ARG(n));
}

void
outgoing_init(struct outgoing *o, const struct exchange *x, enum forward_to to,
	struct str more, void (*on_progress)(struct reader *r))
{
	bool with_body = x->upload && to == TO_ORIGIN;

	forward_request(x, to, &o->head);
	o->done = !with_body;
	o->reader.on_progress = on_progress;
	if (with_body) {
		o->upload = flight_ref(x->upload);
		CHECK(reader_attach(&o->reader, &o->upload->body) == 0);
		o->chunked = !head_find(&x->head, FIELD_CONTENT_LENGTH);
		o->held = head_expects_continue(&x->head);
	}
	if (o->chunked)
		buf_z(&o->head, "Transfer-Encoding: chunked\r\n");
	else if (to == TO_ORIGIN)
		put_length(&x->head, &o->head);
	if (o->held)
		buf_z(&o->head, "Expect: 100-continue\r\n");
	o->plain_bytes = buf_len(&o->head);
	buf_str(&o->head, more);
	buf_z(&o->head, "\r\n");
}

void
outgoing_leave_upload(struct outgoing *o)
{
	reader_detach(&o->reader);
	flight_unref(take_ptr(&o->upload));
}

void
outgoing_fini(struct outgoing *o)
{
	outgoing_leave_upload(o);
	buf_fini(&o->head);
	buf_fini(&o->behind);
}

void
outgoing_rewind(struct outgoing *o)
{
	CHECK(!o->upload);
	o->sent = 0;
}

void
outgoing_drop_conditions(struct outgoing *o)
{
	outgoing_rewind(o);
	buf_truncate(&o->head, o->plain_bytes);
	buf_z(&o->head, "\r\n");
}

void
outgoing_release(struct outgoing *o)
{
	o->held = false;
}

bool
outgoing_is_held(const struct outgoing *o)
{
	return o->held && o->sent == buf_len(&o->head);
}

/* How many bytes went; 0 when there is no room. Errors show up, with whatever
 * the origin said before, when reading. */
static size_t
send_some(struct upstream *up, struct str s)
{
	ssize_t n = send(up->io.fd, s.p, s.n, MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN)
		up->writable = false;
	return 0;
}

static bool
send_behind(struct outgoing *o, struct upstream *up)
{
	size_t n = send_some(up, buf_view(&o->behind));

	buf_consume(&o->behind, n);
	return n;
}

static bool
send_piece(struct outgoing *o, struct upstream *up, struct str s)
{
	char head[CHUNK_HEAD_MAX];
	size_t n = s.n;

	if (o->chunked) {
		buf_append(&o->behind, head, chunk_head(head, s.n));
		buf_str(&o->behind, s);
		buf_z(&o->behind, "\r\n");
	} else {
		n = send_some(up, s);
	}
	reader_advance(&o->reader, n);
	return n;
}

static bool
end_body(struct outgoing *o)
{
	if (body_state(&o->upload->body) != BODY_DONE)
		return false;
	if (o->chunked) {
		buf_z(&o->behind, "0\r\n");
		buf_str(&o->behind, o->upload->trailers);
		buf_z(&o->behind, "\r\n");
	}
	o->done = true;
	return true;
}

/* One step of the body; false when there is nothing to do for now. */
static bool
step(struct outgoing *o, struct upstream *up)
{
	struct str s;

	if (buf_len(&o->behind))
		return send_behind(o, up);
	if (o->done || o->held)
		return false;
	if (reader_peek(&o->reader, &s, 1))
		return send_piece(o, up, s);
	return end_body(o);
}

bool
outgoing_send(struct outgoing *o, struct upstream *up)
{
	bool moved = false;

	while (up->writable && o->sent < buf_len(&o->head)) {
		size_t n = send_some(up,
			str_of(buf_head(&o->head) + o->sent,
				buf_len(&o->head) - o->sent));

		if (!n)
			return false;
		o->sent += n;
	}
	while (up->writable && step(o, up))
		moved = true;
	return moved;
}

bool
outgoing_awaits_client(struct outgoing *o)
{
	struct str s;

	return !o->done && !buf_len(&o->behind) &&
		!reader_peek(&o->reader, &s, 1);
}
