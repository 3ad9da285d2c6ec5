#include "bench/crowd.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/trail.h"
#include "bench/zipf.h"

#include <stdio.h>

struct caller {
	const struct crowd *crowd;
	struct crowd_result *result;
	struct zipf zipf;
	struct rng dice; /* which of the requests are for the new one */
	uint64_t start_ns;
	/* Targets of requests under way: as many as there are connections, and
	 * those that are begun in the same turn. */
	char (*targets)[24];
	size_t next, room;
};

static bool
next_request(void *ctx, struct load_request *r)
{
	struct caller *c = ctx;
	bool flash = clock_mono_ns() - c->start_ns >= c->crowd->flash_ns;
	char *z = c->targets[c->next];

	c->next = (c->next + 1) % c->room;
	flash = flash && rng_u64(&c->dice) % 2;
	if (flash)
		snprintf(z, sizeof(*c->targets), "/flash");
	else
		snprintf(z, sizeof(*c->targets), "/o/%zu", zipf_next(&c->zipf));
	c->result->flash += flash;
	*r = (struct load_request){.method = METHOD_GET,
		.host = c->crowd->host,
		.target = str_z(z),
		.status = 200,
		.bytes = c->crowd->bytes};
	return true;
}

static size_t
node_named(struct crowd_result *r, struct str name)
{
	size_t i = 0;

	while (i < r->nnodes && !str_eq(str_z(r->nodes[i].name), name))
		i++;
	if (i < r->nnodes || r->nnodes == CROWD_NODES ||
		name.n >= sizeof(r->nodes[i].name))
		return i < r->nnodes ? i : 0;
	memcpy(r->nodes[i].name, name.p, name.n);
	return r->nnodes++;
}

static void
on_head(void *ctx, const struct load_request *r, const struct head *h)
{
	struct caller *c = ctx;
	struct trail t = trail_of(h);
	uint64_t second = (clock_mono_ns() - c->start_ns) / NS_PER_S;
	size_t owner;

	if (!t.ingress.n || second >= CROWD_SECONDS)
		return;
	owner = node_named(c->result, t.owner);
	c->result->nodes[node_named(c->result, t.ingress)].taken++;
	c->result->nodes[owner].served++;
	c->result->second[second]++;
	c->result->by_node[second][owner]++;
}

int
crowd_run(const struct crowd *crowd, struct crowd_result *out)
{
	struct caller c = {.crowd = crowd,
		.result = out,
		.start_ns = clock_mono_ns(),
		.room = 2 * (size_t)crowd->connections + 64};
	own_free void *targets = xcalloc(c.room, sizeof(*c.targets));
	struct load load = {
		.addr = crowd->addr,
		.port = crowd->port,
		.connections = crowd->connections,
		.per_connection = crowd->per_connection,
		.duration_ns = crowd->duration_ns,
		.progress = crowd->progress,
		.next = next_request,
		.on_head = on_head,
		.ctx = &c,
	};
	int r;

	*out = (struct crowd_result){0};
	c.targets = targets;
	zipf_init(&c.zipf, crowd->objects, crowd->alpha, crowd->seed);
	c.dice.state = ~crowd->seed;
	r = load_run(&load, &out->load);
	zipf_fini(&c.zipf);
	return r;
}
