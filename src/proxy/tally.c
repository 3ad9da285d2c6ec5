#include "proxy/tally.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "placement/topk.h"

/* Per tick: counts are those of the last four seconds, more or less, and of the
 * last one. */
#define KEEP 0.9394f	  /* exp(-1/16) */
#define KEEP_FAST 0.7788f /* exp(-1/4) */
#define TICKS_PER_S (1000.0 / TALLY_TICK_MS)
#define RATE_OF(count) ((double)(count) * (1 - (double)KEEP) * TICKS_PER_S)
#define RATE_FAST(count) \
	((double)(count) * (1 - (double)KEEP_FAST) * TICKS_PER_S)
/* A key is told of from this share of what we answer on. */
#define SHARE_TOLD 0.004
/* What our own clients ask for more than this of is looked at without waiting
 * for others. */
#define ASKED_LEAST 0.05

void
tally_answer(struct worker *w, uint64_t key)
{
	pthread_mutex_lock(&w->topk_lock);
	topk_count(w->topk, key);
	pthread_mutex_unlock(&w->topk_lock);
}

void
tally_ask(struct worker *w, uint64_t key)
{
	pthread_mutex_lock(&w->topk_lock);
	topk_count(w->asked, key);
	pthread_mutex_unlock(&w->topk_lock);
}

static int
by_rate(const void *a, const void *b)
{
	const struct news_key *x = a, *y = b;

	return x->rate > y->rate ? -1 : x->rate < y->rate;
}

static int
by_key(const void *a, const void *b)
{
	const struct news_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

size_t
tally_sum_up(struct news_key *keys, size_t n)
{
	size_t out = 0;

	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; i < n; i++) {
		if (out && keys[out - 1].key == keys[i].key)
			keys[out - 1].rate += keys[i].rate;
		else
			keys[out++] = keys[i];
	}
	return out;
}

double
tally_at_least(double counted, double deviations)
{
	double least = counted - deviations * sqrt(counted);

	return least > 0 ? least : 0;
}

/* What is new shows in the fast count, as soon as it is beyond chance. */
static double
rate_of(const struct topk_entry *e)
{
	return fmax(RATE_OF(e->count - e->error),
		RATE_FAST(tally_at_least((double)e->fast, 3)));
}

/* What the workers have counted; they go on with less. */
static size_t
collect(const struct node *n, struct news_key *keys, struct news *out)
{
	size_t count = 0;

	out->rate = out->rate_fast = 0;
	for (unsigned i = 0; i < n->config->workers; i++) {
		struct worker *w = n->workers[i];
		struct topk *t = w->topk;

		pthread_mutex_lock(&w->topk_lock);
		out->rate += RATE_OF(t->total);
		out->rate_fast += RATE_FAST(t->total_fast);
		for (size_t j = 0; j < t->n; j++)
			keys[count++] = (struct news_key){
				t->v[j].key, rate_of(&t->v[j])};
		topk_fade(t, KEEP, KEEP_FAST);
		pthread_mutex_unlock(&w->topk_lock);
	}
	return tally_sum_up(keys, count);
}

size_t
tally_asked(const struct node *n, struct widen_key *out)
{
	struct news_key keys[TALLY_ASKED_MOST];
	size_t count = 0;
	double total = 0;

	for (unsigned i = 0; i < n->config->workers; i++) {
		struct worker *w = n->workers[i];
		struct topk *t = w->asked;

		pthread_mutex_lock(&w->topk_lock);
		total += t->total_fast;
		for (size_t j = 0; j < t->n && count < TALLY_ASKED_MOST; j++)
			if ((double)t->v[j].fast >= ASKED_LEAST * t->total_fast)
				keys[count++] = (struct news_key){
					t->v[j].key, (double)t->v[j].fast};
		topk_fade(t, KEEP, KEEP_FAST);
		pthread_mutex_unlock(&w->topk_lock);
	}
	count = tally_sum_up(keys, count);
	for (size_t i = 0; i < count; i++)
		out[i] = (struct widen_key){keys[i].key,
			tally_at_least(keys[i].rate, 3) / total, 1};
	return count;
}

void
tally_collect(const struct node *n, struct news *out)
{
	struct news_key *keys =
		xcalloc((size_t)n->config->workers * TOPK_SIZE, sizeof(*keys));
	size_t count = collect(n, keys, out);

	out->n = 0;
	qsort(keys, count, sizeof(*keys), by_rate);
	for (size_t i = 0; i < count && i < NEWS_KEYS; i++)
		if (keys[i].rate >= out->rate * SHARE_TOLD)
			out->keys[out->n++] = keys[i];
	free(keys);
}
