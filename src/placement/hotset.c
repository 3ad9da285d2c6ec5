#include "placement/hotset.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

const struct hot *
hotset_find(const struct hotset *s, uint64_t hash)
{
	size_t from = 0, to = s ? s->n : 0;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (s->v[middle].key.hash == hash)
			return &s->v[middle];
		if (s->v[middle].key.hash < hash)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* A key is narrowed by and by only: traffic comes and goes. */
static void
cool_down(const struct hot *was, struct hot *now)
{
	if (!was || was->r <= now->r)
		return;
	now->cool = (uint8_t)(was->cool + 1);
	if (now->cool < HOTSET_COOL)
		now->r = was->r;
	else
		now->cool = 0;
}

static struct hot
settle(const struct hotset *before, const struct widen_key *k,
	const struct spread_row *row)
{
	struct hot now = {.key = {k->key, row->key.digest, row->key.place},
		.share = k->share,
		.r = (uint8_t)k->r,
		.ours = !row->told};

	if (now.ours)
		cool_down(hotset_find(before, k->key), &now);
	else if (!row->heeded || k->r < row->told)
		now.r = (uint8_t)row->told;
	return now;
}

/* Those that were hot and are told of no more. */
static size_t
linger(const struct hotset *before, const struct hotset *now, struct hot *out)
{
	size_t n = 0;

	for (size_t i = 0; before && i < before->n; i++) {
		struct hot h = before->v[i];

		if (!h.ours || hotset_find(now, h.key.hash) ||
			++h.cool >= HOTSET_COOL)
			continue;
		h.share = 0;
		h.own = 0;
		memset(h.wanted, 0, sizeof(h.wanted));
		out[n++] = h;
	}
	return n;
}

static int
hot_by_key(const void *a, const void *b)
{
	const struct hot *x = a, *y = b;

	return x->key.hash < y->key.hash ? -1 : x->key.hash > y->key.hash;
}

static struct hotset *
settle_all(const struct hotset *before, const struct spread *spread)
{
	size_t room = spread->n + (before ? before->n : 0);
	struct hotset *s = xcalloc(1, sizeof(*s) + room * sizeof(struct hot));

	for (size_t i = 0; i < spread->n; i++) {
		struct hot h =
			settle(before, &spread->keys[i], &spread->rows[i]);

		if (h.r > 1)
			s->v[s->n++] = h;
	}
	s->n += linger(before, s, s->v + s->n);
	qsort(s->v, s->n, sizeof(s->v[0]), hot_by_key);
	return s;
}

double
hotset_extra(const struct hotset *s)
{
	double sum = 0;

	for (size_t i = 0; s && i < s->n; i++)
		sum += s->v[i].r - 1;
	return sum;
}

/* For what has been settled. */
static void
share_out(struct hotset *now, struct spread *s)
{
	for (size_t k = 0; k < s->n; k++) {
		const struct hot *h = hotset_find(now, s->keys[k].key);

		s->keys[k].r = h ? h->r : 1;
	}
	spread_level(s);
	for (size_t k = 0; k < s->n; k++) {
		const struct hot *h = hotset_find(now, s->keys[k].key);

		if (h)
			hot_share_out(&now->v[h - now->v], s, &s->rows[k]);
	}
}

struct hotset *
hotset_next(const struct hotset *before, struct spread *s, double extra)
{
	struct hotset *now;

	spread_widen(s, extra);
	now = settle_all(before, s);
	share_out(now, s);
	return now;
}

/* --- who answers ---------------------------------------------------------- */

void
hot_share_out(
	struct hot *h, const struct spread *s, const struct spread_row *row)
{
	double sum = 0, in = 0;

	h->own = 0;
	memset(h->wanted, 0, sizeof(h->wanted));
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		in += s->weight[m] > 0 ? s->in[m] : 0;
	for (size_t i = 0; i < h->r && i < row->nowners; i++)
		sum += (double)row->part[i];
	for (size_t i = 0; sum > 0 && i < h->r && i < row->nowners; i++) {
		uint8_t m = row->owner[i];
		double part = (double)row->part[i] / sum;
		double comes = in > 0 ? s->in[m] / in : 1.0 / s->nodes;

		if (m == s->self)
			h->own = part < comes ? (float)(part / comes) : 1;
		else
			h->wanted[m] = (float)fmax(0, part - comes);
	}
}

static bool
find_member(const uint8_t *fit, size_t r, size_t member, size_t *at)
{
	for (*at = 0; *at < r; (*at)++)
		if (fit[*at] == member)
			return true;
	return false;
}

size_t
hot_choose(const struct hot *h, const uint8_t *fit, size_t r, size_t self,
	double draw)
{
	double rest = 0;
	size_t at, last = 0;

	if (find_member(fit, r, self, &at)) {
		if (draw < (double)h->own)
			return at;
		last = at;
		/* What is left of the draw is as good as a new one. */
		draw = (draw - (double)h->own) / (1 - (double)h->own);
	}
	for (size_t i = 0; i < r; i++)
		rest += (double)h->wanted[fit[i]];
	draw *= rest;
	for (size_t i = 0; i < r && draw >= 0; i++) {
		if (h->wanted[fit[i]] <= 0)
			continue;
		last = i;
		draw -= (double)h->wanted[fit[i]];
	}
	return last;
}
