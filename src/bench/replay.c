/* See replay.h. */
#include "bench/replay.h"

#include "base/mem.h"
#include "base/own.h"
#include "bench/catalog.h"
#include "bench/content.h"
#include "bench/trail.h"

struct player {
	const struct replay *replay;
	const struct catalog *catalog;
	struct replay_result *result;
	size_t next;
	bool *asked; /* owned, per object */
};

static bool
verify(const void *object, uint64_t offset, struct str bytes)
{
	const struct object *o = object;

	return content_equal(o->seed, offset, bytes.p, bytes.n);
}

static bool
next_request(void *ctx, unsigned client, struct load_request *r)
{
	struct player *p = ctx;
	const struct catalog *c = p->catalog;

	if (p->next == c->nrequests ||
		(p->replay->limit && p->next == p->replay->limit))
		return false;
	const struct catalog_request *q = &c->requests[p->next++];
	const struct object *o = &c->objects[q->object];

	p->result->targets += !p->asked[q->object];
	p->asked[q->object] = true;
	*r = (struct load_request){
		.method = q->method,
		.host = p->replay->host,
		.target = o->target,
		.status = o->status,
		.bytes = o->bytes,
		.verify = verify,
		.object = o,
	};
	return true;
}

static void
on_head(void *ctx, const struct load_request *r, const struct head *h)
{
	struct player *p = ctx;
	struct trail t = trail_of(h);

	p->result->hits += t.hit;
	p->result->joined += t.collapsed;
	p->result->relayed += !str_eq(t.owner, t.ingress);
}

static void
on_done(void *ctx, const struct load_request *r, enum load_outcome outcome,
	uint64_t body)
{
	struct player *p = ctx;
	struct replay_result *res = p->result;

	if (outcome == LOAD_RIGHT || res->nexamples == REPLAY_EXAMPLES)
		return;
	res->examples[res->nexamples++] = (struct replay_example){
		.object = r->object,
		.outcome = outcome,
		.body = body,
	};
}

int
replay_run(const struct replay *r, const struct catalog *c,
	struct replay_result *out)
{
	own_free bool *asked = xcalloc(c->nobjects, sizeof(*asked));
	struct player p = {
		.replay = r, .catalog = c, .result = out, .asked = asked};
	struct load load = {
		.addr = r->addr,
		.port = r->port,
		.connections = r->connections,
		.per_connection = r->per_connection,
		.progress = r->progress,
		.next = next_request,
		.on_head = on_head,
		.on_done = on_done,
		.ctx = &p,
	};

	*out = (struct replay_result){0};
	return load_run(&load, &out->load);
}
