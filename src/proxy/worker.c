#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "net/sock.h"
#include "proxy/advice.h"
#include "proxy/channel.h"
#include "proxy/conn.h"
#include "proxy/distiller.h"
#include "proxy/exchange.h"
#include "proxy/fetch.h"
#include "proxy/fill.h"
#include "proxy/gather.h"
#include "proxy/handoff.h"
#include "proxy/handover.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/peer.h"
#include "proxy/probe.h"
#include "proxy/request.h"
#include "proxy/purge.h"
#include "proxy/serve.h"
#include "proxy/tally.h"
#include "proxy/upstream.h"

enum {
	SETTLE_MS = 1000, /* for the first dials to be answered */
	SETTLE_STEP_MS = 5,
	ACCEPT_AGAIN_MS = 100,
	DRAIN_S = 10,
};

static void
let_in(struct worker *w, struct source *s)
{
	struct in6_addr peer;
	int fd;

	while ((fd = sock_accept_any(s->fd, &peer)) >= 0)
		conn_start(w, fd, &peer);
	if (fd == -EAGAIN)
		return;
	/* Whoever waits makes no further event. */
	log_warn("accept_failed error=\"%s\"", strerror(-fd));
	loop_arm(w->loop, &w->accept_timer, ACCEPT_AGAIN_MS * NS_PER_MS);
}

static void
on_client(struct source *s, uint32_t events)
{
	(void)events;
	let_in(container_of(s, struct worker, clients), s);
}

static void
on_client6(struct source *s, uint32_t events)
{
	(void)events;
	let_in(container_of(s, struct worker, clients6), s);
}

static void
let_all_in(struct worker *w)
{
	if (w->clients.fd >= 0)
		let_in(w, &w->clients);
	if (w->clients6.fd >= 0)
		let_in(w, &w->clients6);
}

static void
on_accept_again(struct timer *t)
{
	let_all_in(container_of(t, struct worker, accept_timer));
}

static void
on_inbound(struct source *s, uint32_t events)
{
	struct worker *w = container_of(s, struct worker, inbound);
	struct sockaddr_in peer;
	int fd;

	(void)events;
	while ((fd = sock_accept(s->fd, &peer)) >= 0)
		serve_start(w, fd, peer.sin_addr);
}

static int
watch_listener(struct worker *w, struct source *s, int fd, const char *address)
{
	int r = fd < 0 ? fd : loop_watch(w->loop, s, fd);

	if (r < 0)
		log_error("listen_failed address=%s error=\"%s\"", address,
			strerror(-r));
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

static int
listen_on(
	struct worker *w, struct source *s, struct in_addr addr, uint16_t port)
{
	return watch_listener(
		w, s, sock_listen(addr, port), sock_text(addr, port).z);
}

/* Over both IPs, if both are wanted. */
static int
listen_for_clients(struct worker *w)
{
	const struct node_config *config = w->node->config;
	struct in_addr any = {0};
	int r = listen_on(w, &w->clients, any, config->vip_port);

	if (r < 0 || IN6_IS_ADDR_UNSPECIFIED(&config->vip6))
		return r;
	return watch_listener(
		w, &w->clients6, sock_listen6(config->vip_port), "[::]");
}

/* Before the first client is let in, every peer has been dialled: or else the
 * first requests would all be answered here, and each object kept by whoever
 * got it first. Until then nobody listens, and the balancer asks others. */
static void
on_settle(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, settle_timer);
	bool unknown = false;

	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		unknown |= w->peers[i] && peer_is_unknown(w->peers[i]);
	if (unknown && loop_now_ns(w->loop) < w->settle_by_ns) {
		loop_arm(w->loop, t, SETTLE_STEP_MS * NS_PER_MS);
		return;
	}
	if (listen_for_clients(w) < 0) {
		atomic_store(&w->node->deaf, true);
		worker_stop_all(w->node);
		return;
	}
	log_info(
		"ready worker=%u port=%u", w->index, w->node->config->vip_port);
}

static void
stop_if_idle(struct worker *w)
{
	if (w->stopping && list_empty(&w->conns))
		loop_stop(w->loop);
}

static void
on_deadline(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, stop_timer);

	log_warn("drain_deadline worker=%u", w->index);
	loop_stop(w->loop);
}

static void
on_stop(struct wake *wake)
{
	struct worker *w = container_of(wake, struct worker, stop);

	if (w->stopping)
		return;
	let_all_in(w); /* they got in before */
	w->stopping = true;
	loop_disarm(w->loop, &w->settle_timer);
	loop_disarm(w->loop, &w->accept_timer);
	loop_close(w->loop, &w->clients);
	loop_close(w->loop, &w->clients6);
	loop_arm(w->loop, &w->stop_timer, DRAIN_S * NS_PER_S);
	conn_drain_all(w);
	stop_if_idle(w);
}

void
worker_stop_all(struct node *n)
{
	for (unsigned i = 0; i < n->config->workers; i++)
		wake_post(&n->workers[i]->stop);
}

void
worker_members_changed(struct node *n)
{
	for (unsigned i = 0; i < n->config->workers; i++)
		if (n->workers[i])
			wake_post(&n->workers[i]->members);
}

void
worker_conn_gone(struct worker *w)
{
	count(&w->connections, (uint64_t)-1);
	stop_if_idle(w);
}

static void
dial_new_members(struct worker *w)
{
	size_t count = membership_count(w->node);

	for (size_t i = 0; i < count; i++)
		if (i != w->node->config->self && !w->peers[i])
			w->peers[i] = peer_new(w, i);
}

/* Peers are told by one worker: whoever hears of it tells his others. */
static void
on_members(struct wake *wake)
{
	struct worker *w = container_of(wake, struct worker, members);

	if (w->stopping)
		return;
	dial_new_members(w);
	if (w->index == 0) {
		peer_tell_all(w);
		handover_look(w);
	}
}

struct worker *
worker_new(struct node *n, unsigned index)
{
	const struct node_config *config = n->config;
	struct worker *w = NEW(struct worker);

	w->node = n;
	w->index = index;
	list_init(&w->conns);
	list_init(&w->unsent);
	w->send_unsent.run = conn_send_all;
	list_init(&w->yielding);
	w->go_on.on_timer = conn_go_on;
	list_init(&w->channels);
	w->frames = xmalloc(WORKER_FRAMES_BYTES);
	w->tally = tally_new();
	w->random = clock_mono_ns() | 1;
	if (n->handoff) {
		w->advice = NEW(struct advice);
		w->herald = herald_new(w);
	}
	w->stayed = xcalloc(HANDOFF_REASONS, sizeof(*w->stayed));
	list_init(&w->fetches);
	list_init(&w->fills);
	list_init(&w->purges);
	list_init(&w->gathers);
	list_init(&w->probes);
	w->turns = xcalloc(config->nsites, sizeof(*w->turns));
	for (size_t i = 0; i < config->nsites; i++)
		w->turns[i] = xcalloc(config->sites[i].norigins, sizeof(int));
	for (int i = 0; i < POOL_BUCKETS; i++)
		list_init(&w->pool[i]);
	w->clients = (struct source){.fd = -1, .on_io = on_client};
	w->clients6 = (struct source){.fd = -1, .on_io = on_client6};
	w->inbound = (struct source){.fd = -1, .on_io = on_inbound};
	w->accept_timer.on_timer = on_accept_again;
	w->settle_timer.on_timer = on_settle;
	w->stop_timer.on_timer = on_deadline;
	w->loop = loop_new();
	if (!w->loop) {
		log_error("loop_failed error=\"%s\"", strerror(errno));
		worker_free(w);
		return NULL;
	}
	wake_init(&w->stop, w->loop, on_stop);
	wake_init(&w->members, w->loop, on_members);
	w->resolver =
		resolver_new(w->loop, config->resolver, config->resolver_port);
	if (listen_on(w, &w->inbound, config->peers[config->self].addr,
		    config->peer_port) < 0) {
		worker_free(w);
		return NULL;
	}
	dial_new_members(w);
	w->distiller = distiller_new(w);
	if (index == 0) {
		probe_start_all(w);
		heat_start(w);
	}
	w->settle_by_ns = loop_now_ns(w->loop) + SETTLE_MS * NS_PER_MS;
	loop_arm(w->loop, &w->settle_timer, 0);
	return w;
}

void
worker_end_all(struct worker *w)
{
	w->stopping = true;
	loop_close(w->loop, &w->clients);
	loop_close(w->loop, &w->clients6);
	loop_close(w->loop, &w->inbound);
	conn_abort_all(w);
	fill_abort_all(w);
	fetch_abort_all(w);
	purge_abort_all(w);
	gather_abort_all(w);
	channel_close_all(w);
	distiller_free(take_ptr(&w->distiller));
	loop_settle(w->loop);
}

void
worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->loop) {
		worker_end_all(w);
		for (size_t i = 0; i < VIEW_MAX_NODES; i++)
			peer_free(w->peers[i]);
		probe_stop_all(w);
		heat_stop(w);
		handover_stop(w);
		upstream_close_idle(w);
		resolver_free(w->resolver);
		request_drop_spares(w);
		exchange_drop_spares(w);
	}
	loop_free(w->loop);
	for (size_t i = 0; i < w->node->config->nsites; i++)
		free(w->turns[i]);
	free(w->turns);
	tally_free(w->tally);
	free(w->frames);
	free(w->advice);
	herald_free(w->herald);
	free((void *)(uintptr_t)w->stayed);
	free(w);
}
