#include "proxy/channel_internal.h"

#include <arpa/inet.h>

#include "base/check.h"

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
	uint32_t header[2] = {
		htonl((uint32_t)type << 24 | (uint32_t)n), htonl(stream)};

	CHECK(n <= WIRE_MAX);
	static_assert(WIRE_MAX < 1 << 24, "a length");
	static_assert(sizeof(header) == WIRE_HEADER, "the frame's header");
	memcpy(buf_head(out) + at, header, sizeof(header));
}

static void
open_record(struct channel *ch)
{
	static const char header[RECORD_HEADER];

	ch->record_at = buf_len(&ch->out);
	buf_append(&ch->out, header, sizeof(header));
	ch->record_open = true;
}

/* As take_lengths() reads them. */
static void
put_lengths(size_t sealed, size_t clear, char out[RECORD_LENGTHS])
{
	uint64_t both = (uint64_t)sealed << RECORD_BITS | clear;

	for (int i = RECORD_LENGTHS - 1; i >= 0; i--, both >>= 8)
		out[i] = (char)both;
}

void
channel_close_record(struct channel *ch, size_t clear)
{
	char *record = buf_head(&ch->out) + ch->record_at;
	size_t n;

	if (!ch->record_open)
		return;
	ch->record_open = false;
	n = buf_len(&ch->out) - ch->record_at - RECORD_HEADER - clear;
	put_lengths(n, clear, record);
	if (seal_put(ch->seal_out, record + RECORD_HEADER, n,
		    record + RECORD_LENGTHS) < 0)
		channel_close(ch, "it can't be sealed");
}

struct buf *
channel_begin(struct channel *ch)
{
	if (ch->seal_out && !ch->record_open)
		open_record(ch);
	ch->frame_at = begin_frame(&ch->out);
	return &ch->out;
}

void
channel_end(struct channel *ch, enum wire_type type, uint32_t stream)
{
	channel_end_body(ch, type, stream, 0);
}

void
channel_end_body(
	struct channel *ch, enum wire_type type, uint32_t stream, size_t n)
{
	end_frame(&ch->out, ch->frame_at, type, stream);
	ch->spoke |= type != WIRE_PING;
	if (n >= CLEAR_MIN)
		channel_close_record(ch, n);
	else if (buf_len(&ch->out) - ch->record_at >= RECORD_FULL)
		channel_close_record(ch, 0);
	loop_defer(ch->worker->loop, &ch->flush);
}

void
channel_put_head(struct channel *ch, struct str head)
{
	if (!ch->heads)
		ch->heads = lines_new();
	lines_put(ch->heads, head, &ch->out);
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

void
channel_say_hello(struct channel *ch)
{
	struct hello h = {.key = ch->key};
	size_t at = begin_frame(&ch->out);

	hello_put(ch->worker->node, &h, &ch->said);
	buf_str(&ch->out, buf_view(&ch->said));
	end_frame(&ch->out, at, WIRE_HELLO, 0);
	loop_defer(ch->worker->loop, &ch->flush);
}
