#include "placement/demand.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* Of counts, what is beyond doubt is more than so many deviations away: of what
 * our clients ask for, which is looked at only if it is much; of each key,
 * several times a second; and of all of them at once. */
#define DEVIATIONS_ASKED 2
#define DEVIATIONS_TOLD 4
#define DEVIATIONS_ALL 2
/* The rates that are told, exponential means, vary by chance as those of counts
 * over so many seconds. */
#define COUNTED_S 25.0
/* A key with less of a node's mean load than this is left with its owner. */
#define BOTHERS 0.02

enum {
	TREND_ROUNDS = 3,
	RANKED = 4, /* more of a ranking than are likely to be wanted */
};

void
demand_init(struct demand *d)
{
	*d = (struct demand){0};
}

void
demand_fini(struct demand *d)
{
	free(d->keys);
	free(d->wide);
}

static void
put(struct demand *d, const struct demand_key *k)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 256;
		d->keys = xrealloc(d->keys, d->cap * sizeof(*d->keys));
	}
	d->keys[d->n++] = *k;
}

static void
add(struct demand_rate *to, const struct demand_rate *more)
{
	to->rate += more->rate;
	to->recent += more->recent;
	to->work += more->work;
}

void
demand_add(struct demand *d, size_t member, const struct demand_rate *all,
	const struct demand_key *keys, size_t n)
{
	struct demand_rate told = {0};

	for (size_t i = 0; i < n; i++) {
		put(d, &keys[i]);
		d->keys[d->n - 1].by = (uint8_t)member;
		add(&told, &keys[i].rate);
	}
	d->other[member] = fmax(0, all->work - told.work);
	add(&d->all,
		&(struct demand_rate){fmax(all->rate, told.rate),
			fmax(all->recent, told.recent),
			fmax(all->work, told.work)});
	d->reported |= UINT64_C(1) << member;
}

/* --- all of it ------------------------------------------------------------ */

static int
by_key(const void *a, const void *b)
{
	const struct demand_key *x = a, *y = b;

	return x->key.hash < y->key.hash ? -1 : x->key.hash > y->key.hash;
}

/* Each is there once. */
static void
merge(struct demand *d)
{
	size_t n = 0;

	if (d->n)
		qsort(d->keys, d->n, sizeof(*d->keys), by_key);
	for (size_t i = 0; i < d->n; i++) {
		struct demand_key *k = &d->keys[i];
		struct demand_key *last = n ? &d->keys[n - 1] : NULL;

		if (!last || last->key.hash != k->key.hash) {
			d->keys[n++] = *k;
			continue;
		}
		if (k->rate.work > last->rate.work)
			last->by = k->by;
		add(&last->rate, &k->rate);
		last->r = last->r > k->r ? last->r : k->r;
	}
	d->n = n;
}

/* Has it changed otherwise than by that factor? What is counted in half a
 * second deviates by some sqrt(n / 2), and so a rate of that by sqrt(rate). */
static bool
differs(const struct demand_rate *r, double by)
{
	double rate = r->rate * by;

	return fabs(r->recent - rate) >
		DEVIATIONS_TOLD * sqrt(fmax(rate, r->recent));
}

bool
demand_changes(const struct demand_rate *r)
{
	return differs(r, 1);
}

static void
settle(struct demand_rate *r, double by)
{
	if (differs(r, by))
		by = r->rate > 0 ? r->recent / r->rate : 0;
	r->rate = r->rate > 0 ? r->rate * by : r->recent;
	r->work *= by;
}

/* By how much more or less everything is asked for that has not changed on its
 * own: when half of all want something new, and wait for it, there is half as
 * much of all else, and little of that is beyond doubt by itself. */
static double
trend(const struct demand *d, const struct demand_rate *rest)
{
	double by = 1;

	for (int round = 0; round < TREND_ROUNDS; round++) {
		struct demand_rate same = *rest;

		for (size_t i = 0; i < d->n; i++)
			if (!differs(&d->keys[i].rate, by))
				add(&same, &d->keys[i].rate);
		by = differs(&same, 1) && same.rate > 0
			? same.recent / same.rate
			: 1;
	}
	return by;
}

static void
scale_other(struct demand *d, double by)
{
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		d->other[m] *= by;
}

void
demand_sum(struct demand *d)
{
	struct demand_rate told = {0}, rest = d->all;
	double by;

	merge(d);
	for (size_t i = 0; i < d->n; i++)
		add(&told, &d->keys[i].rate);
	rest.rate = fmax(0, rest.rate - told.rate);
	rest.recent = fmax(0, rest.recent - told.recent);
	rest.work = fmax(0, rest.work - told.work);
	by = trend(d, &rest);
	scale_other(d, by);
	d->all = (struct demand_rate){
		rest.rate * by, rest.recent, rest.work * by};
	for (size_t i = 0; i < d->n; i++) {
		settle(&d->keys[i].rate, by);
		add(&d->all, &d->keys[i].rate);
	}
}

/* --- chance --------------------------------------------------------------- */

/* Of what the keys' rates differ by, how much is more than chance? Counts have
 * a variance of their own, which is their mean; and of n keys that are alike it
 * is measured within some sqrt(2/n) of that. Nothing for few requests for keys
 * that are alike, nearly all for many. It is Bühlmann's credibility factor
 * (Experience rating and credibility, ASTIN Bulletin 4, 1967). */
static double
credibility(const struct demand *d, double mean)
{
	double n = (double)d->n, variance = 0, chance;

	for (size_t i = 0; i < d->n; i++) {
		double by = d->keys[i].rate.rate - mean;

		variance += by * by / n;
	}
	chance = mean / COUNTED_S * (1 + DEVIATIONS_ALL * sqrt(2 / n));
	return variance > chance ? 1 - chance / variance : 0;
}

void
demand_temper(struct demand *d)
{
	double mean = 0, credible;

	for (size_t i = 0; i < d->n; i++)
		mean += d->keys[i].rate.rate / (double)d->n;
	credible = credibility(d, mean);
	for (size_t i = 0; i < d->n; i++) {
		struct demand_rate *r = &d->keys[i].rate;
		double rate = mean + credible * (r->rate - mean);

		r->work *= r->rate > 0 ? rate / r->rate : 1;
		r->rate = rate;
	}
}

/* --- what is asked for just now ------------------------------------------- */

static struct demand_key *
find(const struct demand *d, size_t n, uint64_t hash)
{
	struct demand_key like = {.key.hash = hash};

	return n ? bsearch(&like, d->keys, n, sizeof(like), by_key) : NULL;
}

static bool
is_beyond_doubt(double count, double told)
{
	return count - DEVIATIONS_ASKED * sqrt(count) > told;
}

static bool
is_heeded(const struct demand *d, uint64_t hash)
{
	for (size_t i = 0; i < d->nheeded; i++)
		if (d->heeded[i] == hash)
			return true;
	return false;
}

static void
scale(struct demand *d, double by)
{
	for (size_t i = 0; i < d->n; i++) {
		struct demand_rate *r = &d->keys[i].rate;

		if (is_heeded(d, d->keys[i].key.hash))
			continue;
		r->rate *= by;
		r->work *= by;
	}
	scale_other(d, by);
}

/* It is asked for that often, each time for as much as ever. */
static void
believe(struct demand *d, struct demand_key *k, const struct demand_key *asked,
	double rate, double mean)
{
	double each =
		k && k->rate.rate > 0 ? k->rate.work / k->rate.rate : mean;
	struct demand_rate now = {rate, rate, rate * each};

	d->heeded[d->nheeded++] = asked->key.hash;
	if (k)
		k->rate = now;
	else
		put(d, &(struct demand_key){.key = asked->key, .rate = now});
}

void
demand_heed(struct demand *d, const struct demand_key *asked, size_t n,
	double total)
{
	double all = d->all.rate > 0 ? d->all.rate : total;
	double mean = d->all.rate > 0 ? d->all.work / d->all.rate : 1;
	double known = all, grown = 0;
	size_t told = d->n;

	for (size_t i = 0; i < n && d->nheeded < DEMAND_HEEDED; i++) {
		struct demand_key *k = find(d, told, asked[i].key.hash);
		double rate = k ? k->rate.rate : 0;
		double now = asked[i].rate.rate / total * all;

		if (!is_beyond_doubt(asked[i].rate.rate, rate / all * total))
			continue;
		known -= rate;
		grown += now;
		believe(d, k, &asked[i], now, mean);
	}
	if (!d->nheeded)
		return;
	if (known > 0)
		scale(d, fmax(0, all - grown) / known);
	merge(d);
}

/* --- and where it may go -------------------------------------------------- */

/* Those of the first `most` that are there. */
static void
rank(const struct demand_members *m, const struct place_key *key, size_t most,
	struct spread_row *row)
{
	const struct place *p;
	struct ranking r;

	row->nowners = 0;
	if (key->place >= m->nplaces)
		return;
	p = m->places[key->place];
	if (!place_is_agreed(p))
		return;
	p->policy->rank(p, key->digest, most, &r);
	for (size_t i = 0; i < r.n; i++) {
		uint8_t member = p->view.nodes[r.node[i]].member;

		if (m->up & UINT64_C(1) << member)
			row->owner[row->nowners++] = member;
	}
}

/* As far down its ranking may a key of that share come to be held. */
static size_t
most_of(double share, unsigned nodes, const struct demand_key *k,
	const struct hotset *before)
{
	const struct hot *h = hotset_find(before, k->key.hash);
	size_t most = (size_t)ceil(share * nodes / WIDEN_THETA_LEAST) + RANKED;

	if (most < k->r)
		most = k->r;
	return h && most < h->r ? h->r : most;
}

/* False: it may go nowhere. */
static bool
fill_row(const struct demand *d, const struct demand_members *m,
	const struct demand_key *k, const struct hotset *before, size_t most,
	struct spread_row *row)
{
	const struct hot *h = hotset_find(before, k->key.hash);
	uint8_t owner;

	row->key = k->key;
	rank(m, &k->key, most, row);
	if (!row->nowners)
		return false;
	owner = row->owner[0];
	row->was = h ? h->r : 1;
	row->told = 0;
	if (owner != m->self && d->reported & UINT64_C(1) << owner)
		row->told = k->r ? k->r : 1;
	row->heeded = is_heeded(d, k->key.hash);
	return true;
}

/* Whoever we have not heard of is taken for one like the others. */
static void
fill_in(uint64_t known, const double *v, double *out)
{
	double sum = 0;
	unsigned n = 0;

	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		if (known & UINT64_C(1) << m) {
			sum += v[m];
			n++;
		}
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		out[m] = known & UINT64_C(1) << m ? v[m] : n ? sum / n : 0;
}

static double
work_of(const struct demand *d)
{
	double sum = 0;

	for (size_t i = 0; i < d->n; i++)
		sum += d->keys[i].rate.work;
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		sum += d->other[m];
	return sum;
}

/* What is held by several is looked at in any case. */
static bool
is_large(const struct demand_key *k, const struct hotset *before, double least)
{
	return k->rate.work >= least || k->r > 1 ||
		hotset_find(before, k->key.hash);
}

/* The work from which on keys are spread, so that those are not too many. */
static double
least_of(const struct demand *d, double work, unsigned nodes)
{
	double least = work * BOTHERS / nodes;
	size_t n = SIZE_MAX;

	for (; n > DEMAND_ROWS; least *= 1.25) {
		n = 0;
		for (size_t i = 0; i < d->n; i++)
			n += d->keys[i].rate.work >= least;
	}
	return least / 1.25;
}

static void
put_members(const struct demand *d, const struct demand_members *m,
	struct spread *out)
{
	const struct view *v = &m->places[0]->view;
	uint64_t known = 0;

	for (size_t i = 0; i < v->nnodes; i++) {
		const struct view_node *node = &v->nodes[i];

		if (node->out || !(m->up & UINT64_C(1) << node->member))
			continue;
		out->nodes++;
		out->weight[node->member] = node->weight;
	}
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (m->in[i] >= 0)
			known |= UINT64_C(1) << i;
	fill_in(known, m->in, out->in);
	fill_in(d->reported, d->other, out->base);
}

void
demand_spread(struct demand *d, const struct demand_members *m,
	const struct hotset *before, struct spread_row *rows,
	struct spread *out)
{
	double work = work_of(d), least;
	size_t down;

	*out = (struct spread){.rows = rows, .self = m->self};
	put_members(d, m, out);
	if (!out->nodes || work <= 0)
		return;
	d->wide = xcalloc(DEMAND_ROWS, sizeof(*d->wide));
	out->keys = d->wide;
	least = least_of(d, work, out->nodes);
	down = m->places[0]->view.nlive - out->nodes;
	for (size_t i = 0; i < d->n; i++) {
		const struct demand_key *k = &d->keys[i];
		double share = k->rate.work / work;

		if (out->n < DEMAND_ROWS && is_large(k, before, least) &&
			fill_row(d, m, k, before,
				down + most_of(share, out->nodes, k, before),
				&rows[out->n]))
			d->wide[out->n++] =
				(struct widen_key){k->key.hash, share, 1};
		else
			out->base[k->by] += k->rate.work;
	}
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		out->base[i] = out->base[i] / work + m->excess[i] / out->nodes;
}
