#include "placement/topk.h"

/* What has faded to less than this was asked for long ago. */
#define FORGOTTEN 0.05f

/* Whoever is thrown out has the smallest count among so many. */
enum { LOOK_AT = 16 };

static uint16_t *
bucket_of(struct topk *t, uint64_t hash)
{
	return &t->buckets[hash % TOPK_BUCKETS];
}

static size_t
index_of(const struct topk *t, uint64_t hash)
{
	uint16_t i = t->buckets[hash % TOPK_BUCKETS];

	while (i && t->v[i - 1].key.hash != hash)
		i = t->v[i - 1].next;
	return i;
}

static void
link_in(struct topk *t, size_t i)
{
	uint16_t *bucket = bucket_of(t, t->v[i].key.hash);

	t->v[i].next = *bucket;
	*bucket = (uint16_t)(i + 1);
}

static void
unlink_from(struct topk *t, size_t i)
{
	uint16_t *at = bucket_of(t, t->v[i].key.hash);

	while (*at != i + 1)
		at = &t->v[*at - 1].next;
	*at = t->v[i].next;
}

/* The exact smallest would cost a heap; a hand that goes round finds one that
 * is small, as most are: what is popular is never the least of sixteen. */
static size_t
find_small(struct topk *t)
{
	size_t best = t->hand;

	for (size_t i = 0; i < LOOK_AT; i++) {
		if (t->v[t->hand].count < t->v[best].count)
			best = t->hand;
		t->hand = (t->hand + 1) % TOPK_SIZE;
	}
	return best;
}

/* He takes over the count of whom he throws out: that is how much it may be too
 * high. */
static void
come_in(struct topk *t, const struct topk_entry *e)
{
	size_t i = t->n;
	float had = 0;

	if (t->n < TOPK_SIZE) {
		t->n++;
	} else {
		i = find_small(t);
		had = t->v[i].count;
		unlink_from(t, i);
	}
	t->v[i] = *e;
	t->v[i].count += had;
	t->v[i].error += had;
	link_in(t, i);
}

static void
add(struct topk *t, const struct topk_entry *more)
{
	size_t i = index_of(t, more->key.hash);
	struct topk_entry *e;

	if (!i) {
		come_in(t, more);
		return;
	}
	e = &t->v[i - 1];
	e->count += more->count;
	e->error += more->error;
	e->bytes += more->bytes;
}

void
topk_count(struct topk *t, const struct place_key *key, uint64_t bytes)
{
	t->total++;
	t->bytes += (double)bytes;
	add(t,
		&(struct topk_entry){
			.key = *key, .count = 1, .bytes = (float)bytes});
}

static void
clear_buckets(struct topk *t)
{
	for (size_t i = 0; i < TOPK_BUCKETS; i++)
		t->buckets[i] = 0;
}

void
topk_add(struct topk *t, const struct topk *from)
{
	t->total += from->total;
	t->bytes += from->bytes;
	for (size_t i = 0; i < from->n; i++)
		add(t, &from->v[i]);
}

void
topk_clear(struct topk *t)
{
	t->n = 0;
	t->hand = 0;
	t->total = t->bytes = 0;
	clear_buckets(t);
}

void
topk_fade(struct topk *t, float keep)
{
	size_t n = 0;

	t->total *= (double)keep;
	t->bytes *= (double)keep;
	clear_buckets(t);
	for (size_t i = 0; i < t->n; i++) {
		struct topk_entry e = t->v[i];

		e.count *= keep;
		e.error *= keep;
		e.bytes *= keep;
		if (e.count < FORGOTTEN)
			continue;
		t->v[n] = e;
		link_in(t, n++);
	}
	t->n = n;
	t->hand = 0;
}

float
topk_find(const struct topk *t, uint64_t hash)
{
	size_t i = index_of(t, hash);

	return i ? t->v[i - 1].count : 0;
}
