/* See play.h. */
#include "bench/play.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/content.h"
#include "bench/trail.h"

struct player {
	const struct play *play;
	const struct catalog *catalog;
	struct play_result *result;
	uint64_t sent;
	uint64_t start_ns;
	bool *asked; /* owned, per object */
};

static bool
verify(const void *object, uint64_t offset, struct str bytes)
{
	const struct object *o = object;

	return content_equal(o->seed, offset, bytes.p, bytes.n);
}

static bool
next_request(void *ctx, struct load_request *r)
{
	struct player *p = ctx;
	struct play_step step = {0};

	if (p->play->limit && p->sent == p->play->limit)
		return false;
	if (!p->play->order(p->play->order_ctx, r->client, &step))
		return false;
	uint32_t i = step.request.object;
	const struct object *o = &p->catalog->objects[i];
	bool any = o->bytes == CATALOG_ANY_BYTES;

	p->sent++;
	p->result->targets += !p->asked[i];
	p->asked[i] = true;
	*r = (struct load_request){
		.method = step.request.method,
		.host = p->play->host,
		.target = o->target,
		.status = o->status,
		.bytes = any ? LOAD_ANY_BYTES : o->bytes,
		.verify = any ? NULL : verify,
		.object = o,
		.wait_ns = step.wait_ns,
	};
	return true;
}

static void
on_head(void *ctx, const struct load_request *r, const struct head *h)
{
	struct player *p = ctx;
	struct trail t = trail_of(h);

	shares_count(&p->result->shares, &t,
		(clock_mono_ns() - p->start_ns) / NS_PER_S);
	p->result->hits += t.hit;
	p->result->joined += t.collapsed;
	p->result->relayed += !str_eq(t.owner, t.ingress);
}

static void
on_done(void *ctx, const struct load_request *r, enum load_outcome outcome,
	uint64_t body)
{
	struct player *p = ctx;
	struct play_result *res = p->result;

	if (outcome == LOAD_RIGHT || res->nexamples == PLAY_EXAMPLES)
		return;
	res->examples[res->nexamples++] = (struct play_example){
		.object = r->object,
		.outcome = outcome,
		.body = body,
	};
}

int
play_run(const struct play *play, const struct catalog *c,
	struct play_result *out)
{
	own_free bool *asked = xcalloc(c->nobjects, sizeof(*asked));
	struct player p = {
		.play = play, .catalog = c, .result = out, .asked = asked};
	struct load load = play->load;

	load.next = next_request;
	load.on_head = on_head;
	load.on_done = on_done;
	load.ctx = &p;
	*out = (struct play_result){0};
	p.start_ns = clock_mono_ns();
	return load_run(&load, &out->load);
}

bool
play_log_order(void *ctx, unsigned client, struct play_step *out)
{
	struct play_log *log = ctx;

	if (log->next == log->catalog->nrequests)
		return false;
	out->request = log->catalog->requests[log->next++];
	return true;
}
