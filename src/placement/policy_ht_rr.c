#include "placement/place.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"

enum { BUCKETS = 65536, EMPTY = 255 };

struct table {
	_Atomic uint64_t next;		 /* whose turn it is */
	_Atomic uint8_t bucket[BUCKETS]; /* index into the view's nodes */
};

/* What the table before has, as far as it is a member still. */
static uint8_t
inherit(const struct place *p, const struct place *before, size_t b)
{
	struct table *t = before->table;
	uint8_t node =
		atomic_load_explicit(&t->bucket[b], memory_order_relaxed);
	int now;

	if (node == EMPTY)
		return EMPTY;
	now = view_find(&p->view, before->view.nodes[node].id);
	return now < 0 || p->view.nodes[now].out ? EMPTY : (uint8_t)now;
}

/* Whoever comes new gets his share of what was given already, the same buckets
 * in every node's table: or else he would have new keys only. */
static uint8_t
drift(const struct place *p, const struct place *before, size_t b, uint8_t had)
{
	for (size_t i = 0; had != EMPTY && i < p->view.nnodes; i++) {
		const struct view_node *n = &p->view.nodes[i];
		int then = view_find(&before->view, n->id);
		uint64_t draw = b;

		if (n->out || (then >= 0 && !before->view.nodes[then].out))
			continue;
		draw = XXH3_64bits_withSeed(&draw, sizeof(draw), n->id);
		if (draw / 2 < (UINT64_MAX / 2) / p->view.weight * n->weight)
			had = (uint8_t)i;
	}
	return had;
}

/* Homes give each a few buckets only: they had better not all begin with the
 * same node. In local mode that is by chance, too. */
static uint64_t
first_turn(const struct place *p)
{
	int self = view_find(&p->view, p->params.self);

	return p->params.shared && self > 0 ? (uint64_t)self : 0;
}

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	struct table *t = xmalloc(sizeof(*t));
	bool had = before && before->policy == p->policy;

	atomic_init(&t->next, first_turn(p));
	for (size_t b = 0; b < BUCKETS; b++)
		atomic_init(&t->bucket[b],
			had ? drift(p, before, b, inherit(p, before, b))
			    : EMPTY);
	if (had)
		atomic_init(&t->next,
			atomic_load(&((struct table *)before->table)->next));
	*bytes = sizeof(*t);
	return t;
}

/* The next member in turn, by weight. */
static uint8_t
next_in_turn(const struct place *p, struct table *t)
{
	uint64_t slot =
		atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed) %
		p->view.weight;
	size_t i = 0;

	for (; p->view.nodes[i].out || slot >= p->view.nodes[i].weight; i++)
		slot -= p->view.nodes[i].out ? 0 : p->view.nodes[i].weight;
	return (uint8_t)i;
}

/* Of two who see it first at once, one has taken a turn for nothing. */
static uint8_t
claim(const struct place *p, _Atomic uint8_t *bucket)
{
	uint8_t had = atomic_load_explicit(bucket, memory_order_relaxed), node;

	if (had != EMPTY)
		return had;
	node = next_in_turn(p, p->table);
	return atomic_compare_exchange_strong(bucket, &had, node) ? node : had;
}

static _Atomic uint8_t *
find(const struct place *p, uint64_t digest)
{
	return &((struct table *)p->table)->bucket[digest % BUCKETS];
}

size_t
ht_rr_home(const struct place *p, uint64_t digest)
{
	uint64_t b = digest % BUCKETS, best = 0;
	size_t home = 0;

	for (size_t i = 0; i < p->view.nnodes; i++) {
		uint64_t h = XXH3_64bits_withSeed(
			&b, sizeof(b), p->view.nodes[i].id);

		if (p->view.nodes[i].out || h < best)
			continue;
		best = h;
		home = i;
	}
	return home;
}

int
ht_rr_known(const struct place *p, uint64_t digest)
{
	uint8_t node =
		atomic_load_explicit(find(p, digest), memory_order_relaxed);

	return node == EMPTY ? -1 : node;
}

size_t
ht_rr_claim(const struct place *p, uint64_t digest)
{
	return claim(p, find(p, digest));
}

void
ht_rr_learn(const struct place *p, uint64_t digest, size_t node)
{
	atomic_store_explicit(
		find(p, digest), (uint8_t)node, memory_order_relaxed);
}

/* A bucket that is shared is its home's to give: until we know whose it is,
 * the home is whom to ask. Stand-ins are the next ones in order. */
static size_t
first_of(const struct place *p, uint64_t digest)
{
	const struct view *v = &p->view;
	int known = ht_rr_known(p, digest);
	size_t home;

	if (known >= 0)
		return (size_t)known;
	if (!p->params.shared)
		return ht_rr_claim(p, digest);
	home = ht_rr_home(p, digest);
	return v->nodes[home].id == p->params.self ? ht_rr_claim(p, digest)
						   : home;
}

static void
rank(const struct place *p, uint64_t digest, size_t most, struct ranking *out)
{
	const struct view *v = &p->view;
	size_t first;

	out->n = 0;
	if (!v->nlive)
		return;
	first = first_of(p, digest);
	for (size_t i = 0; i < v->nnodes; i++) {
		size_t at = (first + i) % v->nnodes;

		if (!v->nodes[at].out)
			out->node[out->n++] = (uint8_t)at;
	}
}

const struct policy policy_ht_rr = {
	.name = "ht_rr",
	.weights = true,
	.turns = true,
	.build = build,
	.free = free,
	.rank = rank,
};
