#include <endian.h>
#include <string.h>

#include "proxy/handoff.h"
#include "proxy/peer_internal.h"
#include "proxy/take.h"

enum {
	REFUSALS_MAX = 8, /* in a row; then it is left in peace for a while */
	REFUSED_MS = 1000,
};

bool
peer_takes(const struct peer *p)
{
	return p->up && channel_is_sealed(p->channel) && ask_has_slot(p) &&
		loop_now_ns(p->worker->loop) >= p->not_before_ns;
}

void
peer_move(struct peer *p, struct exchange *x, const struct snapshot *s,
	const struct in6_addr *client)
{
	/* An offer's stream goes on. */
	if (!x->asking)
		ask_open(p, x);
	take_put(s, client, channel_begin(p->channel));
	channel_put_head(p->channel, str_of(x->raw, x->head.bytes));
	channel_end(p->channel, WIRE_MOVE, x->stream);
}

void
peer_go(struct peer *p, struct exchange *x)
{
	x->asking = false;
	ask_end(p, x->stream);
	channel_send(p->channel, WIRE_GO, x->stream, STR(""));
}

static void
note_refusal(struct peer *p, bool refused)
{
	p->refusals = refused ? p->refusals + 1 : 0;
	if (p->refusals >= REFUSALS_MAX)
		p->not_before_ns =
			loop_now_ns(p->worker->loop) + REFUSED_MS * NS_PER_MS;
}

bool
peer_on_moved(struct peer *p, uint32_t stream, enum wire_type type)
{
	struct ask *a = ask_find(p, stream);
	struct exchange *x = a ? a->x : NULL;

	/* What we have taken back may still be spoken of. */
	if (!a)
		return true;
	if (!x || !x->moving)
		return false;
	if (type == WIRE_REFUSED) {
		ask_end(p, stream);
		x->asking = false;
	}
	note_refusal(p, type == WIRE_REFUSED);
	x->on_move(x, type == WIRE_TAKEN ? MOVE_ON_TAKEN : MOVE_ON_REFUSED);
	return true;
}

bool
peer_on_take(struct peer *p, struct ask *a, struct str payload)
{
	struct exchange *x = a ? a->x : NULL;
	uint64_t bytes;

	if (!a)
		return true;
	if (!x || x->moving || payload.n != sizeof(bytes))
		return false;
	memcpy(&bytes, payload.p, sizeof(bytes));
	handoff_learn(x, be64toh(bytes));
	/* As long as it was asked it was to be passed on. */
	count(peer_counter(x), (uint64_t)-1);
	if (x->on_owner && x->on_owner(x, p, true))
		return true;
	peer_cancel(p, x);
	x->on_owner = NULL;
	peer_ask(p, x);
	return true;
}
