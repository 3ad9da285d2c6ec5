#include "prog/balancer_lost.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "handoff/segment.h"
#include "l4/balancer.h"
#include "l4/control.h"
#include "l4/orphans.h"
#include "l4/pool.h"
#include "placement/view.h"
#include "prog/balancer.h"

#include <stdlib.h>
#include <string.h>

enum {
	PATIENCE_MS = 2000, /* it may have been a mistake */
	PASSES = 2,
	AGAIN_MS = 1000,
	BUCKETS = 1024, /* looked at in a tick: 3,000 flows or so */
};

struct search {
	bool was_up;
	unsigned passes; /* to come */
	uint64_t due_ns; /* the next one */
	uint32_t at;	 /* the next bucket */
};

struct lost {
	struct program *program; /* borrowed */
	struct segment_sender sender;
	uint32_t seq;
	uint64_t asked;
	struct search nodes[VIEW_MAX_NODES]; /* by the pool's index */
};

/* A client answers what does not fit in with what it has got, as one in some
 * thousands would: so it is asked with two numbers that are far apart. */
static void
ask(void *ctx, const struct orphan *o)
{
	struct lost *l = ctx;
	struct segment s = {.kind = SEGMENT_ACK,
		.from_port = o->vip_port,
		.to_port = o->client_port,
		.seq = l->seq,
		.ack = l->seq};

	memcpy(&s.from, &o->vip, sizeof(s.from));
	memcpy(&s.to, &o->client, sizeof(s.to));
	segment_send(&l->sender, &s);
	l->asked++;
}

/* Of one of the node's servers. False: there are no more. */
static bool
search_server(struct lost *l, const struct rules_id *id,
	const union l4_addr *node, uint32_t from)
{
	struct program *p = l->program;
	const struct rules_service *s =
		rules_find(control_rules(p->control), id);
	const struct rules_server *server =
		s ? rules_server(s, node, id->port) : NULL;

	return server &&
		orphans_find(balancer_image(p->balancer), server->number, from,
			BUCKETS, ask, l);
}

static void
search(struct lost *l, struct search *s, const union l4_addr *node)
{
	struct rules_id ids[2];
	size_t n = service_ids(l->program->conf, ids);
	bool more = false;

	l->seq = s->passes % 2 ? UINT32_C(1) << 31 : 0;
	for (size_t i = 0; i < n; i++)
		more |= search_server(l, &ids[i], node, s->at);
	s->at = more ? s->at + BUCKETS : 0;
	if (more)
		return;
	s->passes--;
	s->due_ns += AGAIN_MS * NS_PER_MS;
}

static void
look_at(struct lost *l, struct search *s, const struct pool_node *node,
	uint64_t now_ns)
{
	if (node->up) {
		*s = (struct search){.was_up = true};
		return;
	}
	if (s->was_up)
		*s = (struct search){.passes = PASSES,
			.due_ns = now_ns + PATIENCE_MS * NS_PER_MS};
	if (s->passes && s->due_ns <= now_ns)
		search(l, s, &node->addr);
}

void
lost_tick(struct lost *l)
{
	uint64_t now_ns = clock_mono_ns();

	for (size_t i = 0; l && i < pool_count(l->program->pool); i++)
		look_at(l, &l->nodes[i], pool_node(l->program->pool, i),
			now_ns);
}

struct lost *
lost_new(struct program *p)
{
	struct lost *l;

	if (!p->balancer)
		return NULL;
	l = NEW(struct lost);
	l->program = p;
	segment_open(&l->sender);
	if (l->sender.v4 < 0)
		log_warn("lost_clients_not_told hint=\"it takes the capability "
			 "net_raw\"");
	return l;
}

void
lost_free(struct lost *l)
{
	if (!l)
		return;
	segment_close(&l->sender);
	free(l);
}

uint64_t
lost_count(const struct lost *l)
{
	return l ? l->asked : 0;
}
