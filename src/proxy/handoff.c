#include "proxy/handoff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "handoff/repair.h"

enum {
	SWEEP_MS = 1000,
	SLACK_S = 60, /* beyond the time that a client may be idle */
};

/* Negative errno, and why. */
static int
open_steer(
	const struct node_config *config, struct steer **out, const char **why)
{
	struct steer_config c = {
		.vip = config->vip,
		.vip_port = config->vip_port,
		.self = config->peers[config->self].addr,
		.idle_ns = config->idle_timeout_ns + SLACK_S * NS_PER_S,
	};
	int err = repair_permitted();

	*why = "TCP_REPAIR is not permitted";
	return err ? err : steer_open(&c, out, why);
}

struct handoff *
handoff_open(const struct node_config *config)
{
	struct steer *steer;
	struct handoff *h;
	const char *why;
	int err;

	if (config->handoff == NODE_HANDOFF_OFF || !config->secret.p ||
		config->npeers < 2)
		return NULL;
	err = open_steer(config, &steer, &why);
	if (err) {
		log_warn("handoff_off why=\"%s\" error=\"%s\"", why,
			strerror(-err));
		return NULL;
	}
	h = NEW(struct handoff);
	h->steer = steer;
	h->park.fd = -1;
	return h;
}

static void
on_park(struct source *s, uint32_t events)
{
	(void)events;
	steer_on_readable(container_of(s, struct handoff, park)->steer);
}

static void
on_timer(struct timer *t)
{
	struct handoff *h = container_of(t, struct handoff, timer);

	steer_sweep(h->steer, clock_mono_ns());
	loop_arm(h->first->loop, t, SWEEP_MS * NS_PER_MS);
}

int
handoff_watch(struct handoff *h, struct worker *first)
{
	int err;

	h->first = first;
	h->park.on_io = on_park;
	h->timer.on_timer = on_timer;
	err = loop_watch_foreign(
		first->loop, &h->park, steer_fd(h->steer), EPOLLIN);
	if (!err)
		loop_arm(first->loop, &h->timer, SWEEP_MS * NS_PER_MS);
	return err;
}

void
handoff_unwatch(struct handoff *h)
{
	if (!h || !h->first)
		return;
	loop_disarm(h->first->loop, &h->timer);
	(void)loop_watch_foreign(
		h->first->loop, &h->park, steer_fd(h->steer), 0);
	h->first = NULL;
}

void
handoff_close(struct handoff *h)
{
	if (!h)
		return;
	steer_close(h->steer);
	free(h);
}

void
handoff_count(struct worker *w, enum handoff_reason r)
{
	count(&w->stayed[r], 1);
}
