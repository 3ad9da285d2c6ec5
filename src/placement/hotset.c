#include "placement/hotset.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

const struct hot *
hotset_find(const struct hotset *s, uint64_t key)
{
	size_t from = 0, to = s ? s->n : 0;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (s->v[middle].key == key)
			return &s->v[middle];
		if (s->v[middle].key < key)
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

/* row: NULL if there is none. */
static struct hot
settle(const struct hotset *before, const struct widen_key *k,
	const struct spread_row *row)
{
	struct hot now = {.key = k->key,
		.share = k->share,
		.r = (uint8_t)k->r,
		.ours = !row || !row->told};

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

		if (!h.ours || hotset_find(now, h.key) ||
			++h.cool >= HOTSET_COOL)
			continue;
		h.share = 0;
		memset(h.part, 0, sizeof(h.part));
		out[n++] = h;
	}
	return n;
}

static int
hot_by_key(const void *a, const void *b)
{
	const struct hot *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* *copies: how many more than one of each come of what we have decided; with
 * those that are yet to go, but not with what others have decided. */
static struct hotset *
settle_all(const struct hotset *before, const struct spread *spread,
	double *copies)
{
	size_t room = spread->n + (before ? before->n : 0), lingering;
	struct hotset *s = xcalloc(1, sizeof(*s) + room * sizeof(struct hot));

	*copies = 0;
	for (size_t i = 0; i < spread->n; i++) {
		struct hot h = settle(before, &spread->keys[i],
			spread->rows ? &spread->rows[i] : NULL);
		unsigned r = h.ours ? h.r : spread->keys[i].r;

		*copies += r > 1 ? r - 1 : 0;
		if (h.r > 1)
			s->v[s->n++] = h;
	}
	lingering = linger(before, s, s->v + s->n);
	for (size_t i = 0; i < lingering; i++)
		*copies += s->v[s->n + i].r - 1;
	s->n += lingering;
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

static struct hotset *
decide(const struct hotset *before, struct spread *s, double extra,
	double *copies)
{
	if (s->rows)
		spread_widen(s, extra);
	else
		(void)widen(s->keys, s->n, s->nodes, extra);
	return settle_all(before, s, copies);
}

static void
put_parts(const struct spread_row *row, struct hot *h)
{
	memset(h->part, 0, sizeof(h->part));
	for (size_t i = 0; i < h->r && i < row->nowners; i++)
		h->part[row->owner[i]] = row->part[i];
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
			put_parts(&s->rows[k], &now->v[h - now->v]);
	}
}

struct hotset *
hotset_next(const struct hotset *before, struct spread *s, double extra)
{
	double copies;
	struct hotset *now = decide(before, s, extra, &copies);

	if (copies > extra) {
		free(now);
		now = decide(before, s, fmax(0, 2 * extra - copies), &copies);
	}
	if (s->rows)
		share_out(now, s);
	return now;
}

/* --- who answers ---------------------------------------------------------- */

/* Of what is left when everybody has answered what it could of its own. */
static double
wanted_of(const struct hot *h, uint8_t member, size_t self, double sum,
	unsigned nodes)
{
	double rest = (double)h->part[member] / sum - 1.0 / nodes;

	return member == self || rest < 0 ? 0 : rest;
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
	unsigned nodes, double draw)
{
	double sum = 0, rest = 0, own = 0;
	size_t at, last = 0;

	for (size_t i = 0; i < r; i++)
		sum += (double)h->part[fit[i]];
	if (sum <= 0)
		return 0;
	if (find_member(fit, r, self, &at)) {
		own = (double)h->part[self] / sum * nodes;
		if (draw < own)
			return at;
		last = at;
	}
	/* What is left of the draw is as good as a new one. */
	draw = (draw - own) / (1 - own);
	for (size_t i = 0; i < r; i++)
		rest += wanted_of(h, fit[i], self, sum, nodes);
	draw *= rest;
	for (size_t i = 0; i < r && draw >= 0; i++) {
		double wanted = wanted_of(h, fit[i], self, sum, nodes);

		if (wanted <= 0)
			continue;
		last = i;
		draw -= wanted;
	}
	return last;
}
