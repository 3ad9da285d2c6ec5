#include "proxy/tally.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "proxy/news.h"
#include "proxy/worker.h"

/* Per tick: answers are those of the last six seconds, more or less, so that
 * there is little of chance in them; what is asked for, of the last half, to
 * see at once what is new. placement/hotset_crowd_test.c has what comes of
 * that. */
#define KEEP 0.9600f	   /* exp(-1/24) */
#define KEEP_ASKED 0.6065f /* exp(-1/2) */
#define RATE_OF(count) \
	((double)(count) * (1 - (double)KEEP) * (1000.0 / TALLY_TICK_MS))
/* A key is told of from this share of what we answer on. */
#define SHARE_TOLD 0.004
/* What our own clients ask for less than this of is left to the owners. */
#define ASKED_LEAST 0.05

/* How often to try: counting takes less than that. */
enum { TRIES = 100 };

struct tally *
tally_new(void)
{
	struct tally *t = NEW(struct tally);

	atomic_store(&t->counts, NEW(struct tally_counts));
	t->spare = NEW(struct tally_counts);
	return t;
}

void
tally_free(struct tally *t)
{
	if (!t)
		return;
	free(atomic_load(&t->counts));
	free(t->spare);
	free(t);
}

/* --- the worker ----------------------------------------------------------- */

static struct tally_counts *
take(struct tally *t)
{
	return atomic_exchange_explicit(&t->counts, NULL, memory_order_acquire);
}

static void
put_back(struct tally *t, struct tally_counts *c)
{
	atomic_store_explicit(&t->counts, c, memory_order_release);
}

void
tally_count(struct tally *t, uint64_t key, unsigned of)
{
	struct tally_counts *c;

	if (!of)
		return;
	c = take(t);
	if (of & TALLY_ASKED)
		topk_count(&c->asked, key);
	if (of & TALLY_ANSWERED)
		topk_count(&c->answered, key);
	put_back(t, c);
}

/* --- the first worker ----------------------------------------------------- */

/* The worker's table for the empty one. False: it is counting. */
static bool
exchange(struct tally *t)
{
	for (int i = 0; i < TRIES; i++) {
		struct tally_counts *c =
			atomic_load_explicit(&t->counts, memory_order_relaxed);

		if (c &&
			atomic_compare_exchange_strong_explicit(&t->counts, &c,
				t->spare, memory_order_acq_rel,
				memory_order_relaxed)) {
			t->spare = c;
			return true;
		}
	}
	return false;
}

void
tally_collect(struct tally *t)
{
	topk_fade(&t->answered, KEEP);
	topk_fade(&t->asked, KEEP_ASKED);
	if (!exchange(t))
		return;
	topk_drain(&t->answered, &t->spare->answered);
	topk_drain(&t->asked, &t->spare->asked);
}

static int
by_rate(const void *a, const void *b)
{
	const struct demand_key *x = a, *y = b;

	return x->rate > y->rate ? -1 : x->rate < y->rate;
}

static int
by_key(const void *a, const void *b)
{
	const struct demand_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Adds up those of one key; what is left of n. */
static size_t
sum_up(struct demand_key *keys, size_t n)
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

/* The most frequent ones of those, the first before the others. */
static size_t
choose(struct demand_key *keys, size_t n, double least, size_t most,
	struct demand_key *out)
{
	size_t kept = 0;

	n = sum_up(keys, n);
	qsort(keys, n, sizeof(*keys), by_rate);
	while (kept < n && kept < most && keys[kept].rate >= least) {
		out[kept] = keys[kept];
		kept++;
	}
	return kept;
}

void
tally_report(const struct node *n, struct news *out)
{
	struct demand_key *keys =
		xcalloc((size_t)n->config->workers * TOPK_SIZE, sizeof(*keys));
	size_t count = 0;

	out->rate = 0;
	for (unsigned i = 0; i < n->config->workers; i++) {
		const struct topk *t = &n->workers[i]->tally->answered;

		out->rate += RATE_OF(t->total);
		for (size_t j = 0; j < t->n; j++)
			keys[count++] = (struct demand_key){t->v[j].key,
				RATE_OF(t->v[j].count - t->v[j].error), 0};
	}
	out->n = choose(
		keys, count, out->rate * SHARE_TOLD, NEWS_KEYS, out->keys);
	free(keys);
}

size_t
tally_asked(const struct node *n, struct demand_key *out, double *total)
{
	struct demand_key *keys =
		xcalloc((size_t)n->config->workers * TOPK_SIZE, sizeof(*keys));
	size_t count = 0;

	*total = 0;
	for (unsigned i = 0; i < n->config->workers; i++) {
		const struct topk *t = &n->workers[i]->tally->asked;

		*total += t->total;
		for (size_t j = 0; j < t->n; j++)
			keys[count++] = (struct demand_key){t->v[j].key,
				(double)(t->v[j].count - t->v[j].error), 0};
	}
	count = choose(
		keys, count, *total * ASKED_LEAST, TALLY_ASKED_MOST, out);
	free(keys);
	return count;
}
