#include "placement/demand.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* Of counts, what is beyond doubt is more than so many deviations away. */
#define DEVIATIONS 2

void
demand_init(struct demand *d)
{
	*d = (struct demand){0};
}

void
demand_fini(struct demand *d)
{
	free(d->keys);
}

static void
put(struct demand *d, uint64_t key, double share, unsigned r)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 256;
		d->keys = xrealloc(d->keys, d->cap * sizeof(*d->keys));
	}
	d->keys[d->n++] = (struct widen_key){key, share, r};
}

void
demand_add(struct demand *d, size_t member, double rate,
	const struct demand_key *keys, size_t n)
{
	double told = 0;

	for (size_t i = 0; i < n; i++) {
		put(d, keys[i].key, keys[i].rate, keys[i].r);
		told += keys[i].rate;
	}
	d->other[member] = fmax(0, rate - told);
	d->total += fmax(rate, told);
	d->reported |= UINT64_C(1) << member;
}

static int
by_key(const void *a, const void *b)
{
	const struct widen_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static void
merge(struct widen_key *k, const struct widen_key *other)
{
	k->share += other->share;
	k->r = k->r > other->r ? k->r : other->r;
}

void
demand_sum(struct demand *d)
{
	double scale = d->total > 0 ? 1 / d->total : 0;
	size_t n = 0;

	if (d->n)
		qsort(d->keys, d->n, sizeof(*d->keys), by_key);
	for (size_t i = 0; i < d->n; i++) {
		d->keys[i].share *= scale;
		if (n && d->keys[n - 1].key == d->keys[i].key)
			merge(&d->keys[n - 1], &d->keys[i]);
		else
			d->keys[n++] = d->keys[i];
	}
	d->n = n;
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		d->other[m] *= scale;
}

/* --- what is asked for just now ------------------------------------------- */

static struct widen_key *
find(const struct demand *d, size_t n, uint64_t key)
{
	struct widen_key like = {.key = key};

	return n ? bsearch(&like, d->keys, n, sizeof(like), by_key) : NULL;
}

static bool
is_beyond_doubt(const struct demand_key *asked, double total, double told)
{
	return asked->rate - DEVIATIONS * sqrt(asked->rate) > told * total;
}

static void
scale(struct demand *d, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		d->keys[i].share *= by;
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		d->other[m] *= by;
}

void
demand_heed(struct demand *d, const struct demand_key *asked, size_t n,
	double total)
{
	double known = 0, grown = 0;
	size_t told = d->n;

	for (size_t i = 0; i < told; i++)
		known += d->keys[i].share;
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		known += d->other[m];
	for (size_t i = 0; i < n && d->nheeded < DEMAND_HEEDED; i++) {
		struct widen_key *k = find(d, told, asked[i].key);
		double share = k ? k->share : 0;

		if (!is_beyond_doubt(&asked[i], total, share))
			continue;
		known -= share;
		grown += asked[i].rate / total;
		if (k)
			k->share = 0;
		put(d, asked[i].key, asked[i].rate / total, 0);
		d->heeded[d->nheeded++] = asked[i].key;
	}
	if (grown > 0 && known > 0)
		scale(d, told, fmax(0, 1 - grown) / known);
	/* what was told of those is 0 by now */
	d->total = 1;
	demand_sum(d);
}

/* --- and where it may go -------------------------------------------------- */

static void
rank(const struct demand_members *m, uint64_t key, struct spread_row *row)
{
	const struct place *p = m->place;
	struct ranking r;

	p->policy->rank_hash(p, key, VIEW_MAX_NODES, &r);
	row->nowners = 0;
	for (size_t i = 0; i < r.n; i++) {
		uint8_t member = p->view.nodes[r.node[i]].member;

		if (m->up & UINT64_C(1) << member)
			row->owner[row->nowners++] = member;
	}
}

static bool
is_heeded(const struct demand *d, uint64_t key)
{
	for (size_t i = 0; i < d->nheeded; i++)
		if (d->heeded[i] == key)
			return true;
	return false;
}

static void
fill_row(const struct demand *d, const struct demand_members *m,
	const struct widen_key *k, const struct hotset *before,
	struct spread_row *row)
{
	const struct hot *h = hotset_find(before, k->key);
	uint8_t owner;

	rank(m, k->key, row);
	owner = row->nowners ? row->owner[0] : (uint8_t)m->self;
	row->was = h ? h->r : 1;
	row->told = 0;
	if (owner != m->self && d->reported & UINT64_C(1) << owner)
		row->told = k->r ? k->r : 1;
	row->heeded = is_heeded(d, k->key);
}

/* Whoever we have not heard of is taken for one like the others. */
static void
put_base(const struct demand *d, struct spread *s)
{
	double sum = 0;
	unsigned n = 0;

	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		if (d->reported & UINT64_C(1) << m) {
			sum += d->other[m];
			n++;
		}
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		s->base[m] = d->reported & UINT64_C(1) << m ? d->other[m]
			: n				    ? sum / n
							    : 0;
}

void
demand_spread(struct demand *d, const struct demand_members *m,
	const struct hotset *before, struct spread_row *rows,
	struct spread *out)
{
	const struct place *p = m->place;

	*out = (struct spread){.keys = d->keys, .n = d->n};
	for (size_t i = 0; i < p->view.nnodes; i++) {
		const struct view_node *node = &p->view.nodes[i];

		if (node->out || !(m->up & UINT64_C(1) << node->member))
			continue;
		out->nodes++;
		out->weight[node->member] = node->weight;
	}
	put_base(d, out);
	if (!p->policy->rank_hash || !out->nodes)
		return;
	out->rows = rows;
	for (size_t i = 0; i < d->n; i++)
		fill_row(d, m, &d->keys[i], before, &rows[i]);
}
