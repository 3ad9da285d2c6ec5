#include "proxy/channel_internal.h"

#include <arpa/inet.h>

#include "base/log.h"
#include "net/sock.h"

/* Both ends have said what they made up: from now on all is sealed, if there is
 * a secret. */
static void
make_seals(struct channel *ch, struct str theirs)
{
	struct str secret = ch->worker->node->config->secret;
	struct str ours = buf_view(&ch->said);
	struct seal_context c = {
		.secret = secret,
		.dialler = ch->accepted ? theirs : ours,
		.acceptor = ch->accepted ? ours : theirs,
	};
	bool fine = tickets_make(&c, &ch->tickets) == 0;

	if (fine && secret.p) {
		ch->seal_in = seal_new(&c, ch->accepted);
		ch->seal_out = seal_new(&c, !ch->accepted);
		fine = channel_is_sealed(ch);
	}
	buf_fini(&ch->said);
	if (!fine)
		channel_close(ch, "there are no keys for it");
}

static void
rise(struct channel *ch)
{
	ch->up = true;
	ch->user->on_up(ch->user, (size_t)ch->peer, &ch->theirs);
}

static void
refuse(struct channel *ch, const char *why)
{
	log_warn("hello_refused peer=%s addr=%s why=\"%s\"",
		channel_peer_name(ch), sock_text(ch->addr, 0).z, why);
	channel_close(ch, why);
}

/* Whoever accepted speaks second, and not at all where bodies will follow. */
static void
on_hello(struct channel *ch, struct str text)
{
	const char *wrong = hello_parse(
		ch->worker->node, (size_t)ch->peer, text, &ch->theirs);

	if (wrong) {
		refuse(ch, wrong);
		return;
	}
	if (ch->theirs.bulk && ch->accepted) {
		rise(ch);
		return;
	}
	if (ch->accepted)
		channel_say_hello(ch);
	make_seals(ch, text);
	if (ch->ending)
		return;
	if (channel_is_sealed(ch))
		channel_send(ch, WIRE_PING, 0, STR("")); /* our proof */
	else
		rise(ch);
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
		!ch->user->on_frame(ch->user, type, stream, payload)) {
		log_warn("frame_refused peer=%s type=%d stream=%08x bytes=%zu",
			channel_peer_name(ch), (int)type, stream, payload.n);
		channel_close(ch, "it said what makes no sense");
	}
}

/* Takes a whole frame off the front of *in. False: there is none. */
static bool
take_frame(struct channel *ch, struct str *in)
{
	uint32_t header[2];
	size_t n;

	if (in->n < WIRE_HEADER)
		return false;
	memcpy(header, in->p, WIRE_HEADER);
	n = ntohl(header[0]) & 0xffffff;
	if (!ch->up && ntohl(header[0]) >> 24 == 0) {
		/* Before version 5 a frame began with its length. */
		refuse(ch, "it speaks another version");
		return false;
	}
	if (n > WIRE_MAX) {
		channel_close(ch, "it sent no frame of ours");
		return false;
	}
	if (in->n < WIRE_HEADER + n)
		return false;
	on_frame(ch, (enum wire_type)(ntohl(header[0]) >> 24), ntohl(header[1]),
		str_of(in->p + WIRE_HEADER, n));
	*in = str_of(in->p + WIRE_HEADER + n, in->n - WIRE_HEADER - n);
	return true;
}

/* Frames, whole ones: what is not sealed of them is the end of the last. What
 * begins behind that, anybody on the way may have put there. */
static void
on_record(struct channel *ch, struct str frames, size_t sealed)
{
	const char *end = frames.p + sealed;

	if (!ch->up)
		rise(ch);
	while (!ch->ending && end - frames.p >= WIRE_HEADER &&
		take_frame(ch, &frames))
		;
	if (!ch->ending && frames.n)
		channel_close(ch, "it sent no frame of ours");
}

static void
distrust(struct channel *ch)
{
	if (ch->up)
		channel_close(ch, "somebody else spoke in its place");
	else
		refuse(ch, "it does not have our secret");
}

static void
take_lengths(const char *record, size_t *sealed, size_t *clear)
{
	uint64_t both = 0;

	static_assert(RECORD_MAX < 1 << RECORD_BITS, "of either part");
	for (int i = 0; i < RECORD_LENGTHS; i++)
		both = both << 8 | (uint8_t)record[i];
	*sealed = both >> RECORD_BITS;
	*clear = both & ((1 << RECORD_BITS) - 1);
}

/* The same of a record, which is opened where it is. */
static bool
take_record(struct channel *ch, struct str *in)
{
	char *record = (char *)(uintptr_t)in->p, *text = record + RECORD_HEADER;
	size_t sealed, clear;

	if (in->n < RECORD_HEADER)
		return false;
	take_lengths(record, &sealed, &clear);
	if (sealed < WIRE_HEADER || sealed + clear > RECORD_MAX) {
		distrust(ch);
		return false;
	}
	if (in->n < RECORD_HEADER + sealed + clear)
		return false;
	*in = str_of(
		text + sealed + clear, in->n - RECORD_HEADER - sealed - clear);
	if (seal_open(ch->seal_in, text, sealed, record + RECORD_LENGTHS) == 0)
		on_record(ch, str_of(text, sealed + clear), sealed);
	else
		distrust(ch);
	return true;
}

bool
channel_take_head(struct channel *ch, struct str packed, struct buf *head)
{
	if (!ch->heads)
		ch->heads = lines_new();
	return lines_take(ch->heads, packed, WIRE_MAX, head);
}

void
channel_take(struct channel *ch, struct str *in)
{
	bool more = true;

	while (more && !ch->ending)
		more = ch->seal_in ? take_record(ch, in) : take_frame(ch, in);
}
