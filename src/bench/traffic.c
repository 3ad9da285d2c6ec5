/* See traffic.h. */
#include "bench/traffic.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/trail.h"
#include "bench/tree.h"
#include "bench/zipf.h"

/* Of web caches' logs: 0.6 to 1. */
#define ALPHA 0.8
#define SEED 20081

struct crowd {
	const struct traffic *traffic;
	struct traffic_tally *tally;
	size_t next;	   /* visit: the next file */
	struct zipf *zipf; /* crowd: NULL in a visit */
	size_t *ranked;	   /* crowd: the file of each rank */
};

static bool
verify(const void *object, uint64_t offset, struct str bytes)
{
	const struct tree_file *f = object;

	return bytes.n == 0 || !memcmp(f->bytes + offset, bytes.p, bytes.n);
}

static bool
next_request(void *ctx, struct load_request *r)
{
	struct crowd *c = ctx;
	const struct tree *tree = c->traffic->tree;
	size_t i;

	if (c->zipf)
		i = c->ranked[zipf_next(c->zipf)];
	else if (c->next < tree->n)
		i = c->next++;
	else
		return false;
	*r = (struct load_request){
		.method = METHOD_GET,
		.host = str_z(c->traffic->host),
		.target = str_z(tree->files[i].target),
		.status = 200,
		.bytes = tree->files[i].size,
		.verify = verify,
		.object = &tree->files[i],
	};
	return true;
}

/* The node's place in the tally; NULL when there is no room. */
static struct traffic_node *
node_named(struct traffic_tally *t, struct str name)
{
	struct traffic_node *n = t->nodes;

	for (; n < t->nodes + t->nnodes; n++)
		if (str_eq(str_z(n->name), name))
			return n;
	if (t->nnodes == TRAFFIC_NODES || name.n == 0 ||
		name.n >= sizeof(n->name))
		return NULL;
	memcpy(n->name, name.p, name.n);
	t->nnodes++;
	return n;
}

static void
on_head(void *ctx, const struct load_request *r, const struct head *h)
{
	struct crowd *c = ctx;
	struct trail trail = trail_of(h);
	struct traffic_node *door = node_named(c->tally, trail.ingress);
	struct traffic_node *owner = node_named(c->tally, trail.owner);
	const struct tree_file *file = r->object;

	if (!door || !owner) {
		c->tally->untold++;
		return;
	}
	door->requests++;
	door->local += door == owner;
	owner->owned++;
	owner->saved += trail.hit || trail.collapsed;
	c->tally->owners[file - c->traffic->tree->files] |= UINT64_C(1)
		<< (owner - c->tally->nodes);
}

static int
run(struct crowd *c, uint64_t duration_ns)
{
	const struct traffic *t = c->traffic;
	struct load load = {
		.addr = t->addr,
		.port = t->port,
		.connections = t->connections,
		.per_connection = t->per_connection,
		.duration_ns = duration_ns,
		.progress = t->progress,
		.next = next_request,
		.on_head = on_head,
		.ctx = c,
	};

	CHECK(t->tree->n > 0 && t->tree->n <= TRAFFIC_OBJECTS);
	return load_run(&load, &c->tally->result);
}

int
traffic_visit(const struct traffic *t, struct traffic_tally *tally)
{
	struct crowd c = {.traffic = t, .tally = tally};

	return run(&c, 0);
}

/* Which files are popular has nothing to do with their names. */
static void
shuffle(size_t *v, size_t n)
{
	uint64_t random = SEED;

	for (size_t i = 0; i < n; i++)
		v[i] = i;
	for (size_t i = n; i > 1; i--) {
		random = random * UINT64_C(6364136223846793005) + 1;
		size_t j = (size_t)(random >> 33) % i, was = v[i - 1];

		v[i - 1] = v[j];
		v[j] = was;
	}
}

int
traffic_crowd(const struct traffic *t, uint64_t duration_ns,
	struct traffic_tally *tally)
{
	own_free size_t *ranked = xcalloc(t->tree->n, sizeof(*ranked));
	struct zipf zipf;
	struct crowd c = {
		.traffic = t, .tally = tally, .zipf = &zipf, .ranked = ranked};

	zipf_init(&zipf, t->tree->n, ALPHA, SEED);
	shuffle(ranked, t->tree->n);
	int r = run(&c, duration_ns);
	zipf_fini(&zipf);
	return r;
}
