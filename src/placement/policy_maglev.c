#include "placement/place.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"

/* Prime, and over a hundred times as many as there are nodes. */
enum { ENTRIES = 65537, NOBODY = 255 };

/* One that takes turns: its permutation of the entries, and how far it is. */
struct claimer {
	uint64_t at, skip;
	double due; /* entries, of those that its weight gives it */
	uint8_t node;
};

static struct claimer
claimer_of(const struct view_node *node, size_t i)
{
	return (struct claimer){
		.at = XXH3_64bits_withSeed(&node->id, 8, 1) % ENTRIES,
		.skip = XXH3_64bits_withSeed(&node->id, 8, 2) % (ENTRIES - 1) +
			1,
		.node = (uint8_t)i};
}

static void
claim(struct claimer *c, uint8_t *table)
{
	while (table[c->at] != NOBODY)
		c->at = (c->at + c->skip) % ENTRIES;
	table[c->at] = c->node;
}

static unsigned
largest_weight(const struct view *v)
{
	unsigned most = 1;

	for (size_t i = 0; i < v->nnodes; i++)
		if (!v->nodes[i].out && v->nodes[i].weight > most)
			most = v->nodes[i].weight;
	return most;
}

static void
populate(const struct view *v, uint8_t *table)
{
	struct claimer claimers[VIEW_MAX_NODES];
	unsigned most = largest_weight(v);
	size_t n = 0, filled = 0;

	for (size_t i = 0; i < v->nnodes; i++)
		if (!v->nodes[i].out)
			claimers[n++] = claimer_of(&v->nodes[i], i);
	while (n && filled < ENTRIES)
		for (size_t i = 0; i < n && filled < ENTRIES; i++) {
			struct claimer *c = &claimers[i];

			c->due += (double)v->nodes[c->node].weight / most;
			if (c->due < 1)
				continue;
			c->due--;
			claim(c, table);
			filled++;
		}
}

static void *
build(const struct place *p, const struct place *before, size_t *bytes)
{
	uint8_t *table = xmalloc(ENTRIES);

	memset(table, NOBODY, ENTRIES);
	populate(&p->view, table);
	*bytes = ENTRIES;
	return table;
}

/* Stand-ins are those who have the next entries. */
static void
rank(const struct place *p, uint64_t hash, size_t most, struct ranking *out)
{
	const uint8_t *table = p->table;
	const struct view *v = &p->view;
	size_t want = most < v->nlive ? most : v->nlive;
	size_t at = hash % ENTRIES;
	uint64_t seen = 0;

	out->n = 0;
	for (size_t left = ENTRIES; out->n < want && left; left--) {
		uint8_t node = table[at];

		if (!(seen & UINT64_C(1) << node))
			out->node[out->n++] = node;
		seen |= UINT64_C(1) << node;
		at = at + 1 < ENTRIES ? at + 1 : 0;
	}
}

const struct policy policy_maglev = {
	.name = "maglev",
	.weights = true,
	.build = build,
	.free = free,
	.rank = rank,
};
