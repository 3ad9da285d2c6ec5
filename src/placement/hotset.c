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
static struct hot
settle(const struct hotset *before, const struct widen_key *k)
{
	const struct hot *was = hotset_find(before, k->key);
	struct hot now = {k->key, k->share, (uint8_t)k->r, 0};

	if (!was || was->r <= k->r)
		return now;
	now.cool = (uint8_t)(was->cool + 1);
	if (now.cool < HOTSET_COOL)
		now.r = was->r;
	else
		now.cool = 0;
	return now;
}

/* Those that were hot and are told of no more. */
static size_t
linger(const struct hotset *before, const struct hotset *now, struct hot *out)
{
	size_t n = 0;

	for (size_t i = 0; before && i < before->n; i++) {
		struct hot h = before->v[i];

		if (hotset_find(now, h.key) || ++h.cool >= HOTSET_COOL)
			continue;
		h.share = 0;
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

static struct hotset *
settle_all(const struct hotset *before, const struct widen_key *keys, size_t n)
{
	size_t room = n + (before ? before->n : 0);
	struct hotset *s = xcalloc(1, sizeof(*s) + room * sizeof(struct hot));

	for (size_t i = 0; i < n; i++) {
		struct hot h = settle(before, &keys[i]);

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

struct hotset *
hotset_next(const struct hotset *before, struct widen_key *keys, size_t n,
	unsigned nodes, double extra)
{
	struct hotset *now;

	(void)widen(keys, n, nodes, extra);
	now = settle_all(before, keys, n);
	if (hotset_extra(now) <= extra)
		return now;
	(void)widen(keys, n, nodes, fmax(0, 2 * extra - hotset_extra(now)));
	free(now);
	return settle_all(before, keys, n);
}
