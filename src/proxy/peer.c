#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/handoff.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/peer_internal.h"
#include "proxy/purge.h"

enum { REDIAL_MS = 200 };

/* --- questions for the peer itself ---------------------------------------- */

void
peer_send(struct peer *p, enum wire_type type, struct str payload)
{
	CHECK(p->up);
	channel_send(p->channel, type, 0, payload);
}

void
peer_call(struct peer *p, struct peer_call *call, enum wire_type type,
	struct str payload)
{
	CHECK(p->up);
	call->stream = ++p->last_call;
	list_push_back(&p->calls, &call->link);
	channel_send(p->channel, type, call->stream, payload);
}

void
peer_call_cancel(struct peer_call *call)
{
	list_remove(&call->link);
}

static void
tell_roster(struct peer *p)
{
	struct buf payload = {0};

	membership_put(p->worker->node, &payload);
	channel_send(p->channel, WIRE_VIEW, 0, buf_view(&payload));
	buf_fini(&payload);
}

void
peer_tell_all(struct worker *w)
{
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (w->peers[i] && w->peers[i]->up)
			tell_roster(w->peers[i]);
}

static bool
on_reply(struct peer *p, uint32_t stream, struct str reply)
{
	list_foreach (it, &p->calls) {
		struct peer_call *call =
			container_of(it, struct peer_call, link);

		if (call->stream != stream)
			continue;
		list_remove(&call->link);
		call->on_reply(call, reply);
		break;
	}
	return true;
}

static bool
on_frame(struct channel_user *u, enum wire_type type, uint32_t stream,
	struct str payload)
{
	struct peer *p = container_of(u, struct peer, user);

	switch (type) {
	case WIRE_REPLY:
	case WIRE_PURGED: return on_reply(p, stream, payload);
	case WIRE_TAKEN:
	case WIRE_REFUSED: return peer_on_moved(p, stream, type);
	case WIRE_TAKE: return peer_on_take(p, ask_find(p, stream), payload);
	default: return peer_on_answer(p, ask_find(p, stream), type, payload);
	}
}

/* --- up and down --------------------------------------------------------- */

static void
on_up(struct channel_user *u, size_t index, const struct hello *theirs)
{
	struct peer *p = container_of(u, struct peer, user);

	CHECK(index == p->index);
	p->up = p->dialled = true;
	p->bulks.tickets = *channel_tickets(p->channel);
	atomic_fetch_add(&p->worker->node->links[index], 1);
	p->started_ns = clock_mono_ns() - theirs->uptime_ms * NS_PER_MS;
	p->told_load = 0;
	damp_rise(&p->damp, loop_now_ns(p->worker->loop));
	log_info("peer_up peer=%s worker=%u",
		membership_name(p->worker->node, index), p->worker->index);
	/* Before anything is asked of it. */
	purge_resend(p->worker, index);
	tell_roster(p);
}

static void
on_down(struct channel_user *u)
{
	struct peer *p = container_of(u, struct peer, user);
	struct worker *w = p->worker;
	struct list *it;

	if (w->node->handoff && w->index == 0 && p->up)
		steer_lost(w->node->handoff->steer,
			membership_addr(w->node, p->index),
			channel_host_is_silent(p->channel),
			loop_now_ns(w->loop));
	p->channel = NULL;
	if (p->up) {
		damp_fall(&p->damp, loop_now_ns(w->loop));
		atomic_fetch_sub(&w->node->links[p->index], 1);
	}
	p->up = false;
	p->dialled = true;
	bulks_close(&p->bulks);
	ask_lose_all(p);
	while ((it = list_pop_front(&p->calls))) {
		struct peer_call *call =
			container_of(it, struct peer_call, link);

		call->on_reply(call, (struct str){0});
	}
	if (!p->worker->stopping)
		loop_arm(p->worker->loop, &p->redial, REDIAL_MS * NS_PER_MS);
}

static void
fill(struct channel_user *u)
{
	(void)u; /* asks are sent as they come */
}

static void
on_free(struct bulks *bs, uint32_t number)
{
	struct peer *p = container_of(bs, struct peer, bulks);

	channel_send(p->channel, WIRE_FREE, number, STR(""));
}

static void
dial(struct peer *p)
{
	const struct node_config *config = p->worker->node->config;
	struct in_addr to = membership_addr(p->worker->node, p->index);
	int fd = sock_connect(
		config->peers[config->self].addr, to, config->peer_port);

	if (fd >= 0)
		p->channel = channel_dialled(p->worker, fd, p->index, &p->user);
	if (!p->channel) {
		p->dialled = true;
		loop_arm(p->worker->loop, &p->redial, REDIAL_MS * NS_PER_MS);
	}
}

static void
on_redial(struct timer *t)
{
	dial(container_of(t, struct peer, redial));
}

struct peer *
peer_new(struct worker *w, size_t index)
{
	struct peer *p = NEW(struct peer);

	p->user = (struct channel_user){on_up, on_frame, fill, on_down};
	p->worker = w;
	p->index = index;
	p->redial.on_timer = on_redial;
	list_init(&p->calls);
	bulks_init(&p->bulks, w, index);
	p->bulks.on_free = on_free;
	dial(p);
	return p;
}

/* The worker has ended its channels before. */
void
peer_free(struct peer *p)
{
	if (!p)
		return;
	loop_disarm(p->worker->loop, &p->redial);
	CHECK(!p->channel);
	buf_fini(&p->offer);
	free(p->asks);
	free(p->free_slots);
	free(p);
}

struct wait
peers_wait(const struct worker *w)
{
	struct wait sum = {0}, one;
	unsigned n = 0;

	for (size_t i = 0; i < VIEW_MAX_NODES; i++) {
		const struct peer *p = w->peers[i];

		if (p && p->up && channel_wait(p->channel, &one)) {
			sum.mean_us += one.mean_us;
			sum.least_us += one.least_us;
			n++;
		}
	}
	return n ? (struct wait){sum.mean_us / n, sum.least_us / n} : sum;
}

bool
peer_is_up(const struct peer *p)
{
	return p->up;
}

bool
peer_is_trusted(const struct peer *p)
{
	return p->up && damp_is_over(&p->damp, loop_now_ns(p->worker->loop));
}

uint64_t
peer_started_ns(const struct peer *p)
{
	return p->started_ns;
}

uint32_t
peer_load(const struct peer *p)
{
	uint32_t asked = (uint32_t)(p->nasks - p->nfree), told = p->told_load;
	uint32_t heard;

	/* Whoever is asked by nobody here says nothing with answers. */
	if (loop_now_ns(p->worker->loop) - p->told_ns > NS_PER_S / 4 &&
		heat_load(p->worker->node, p->index, &heard))
		told = heard;
	return told > asked ? told : asked;
}

bool
peer_is_unknown(const struct peer *p)
{
	return !p->dialled;
}
