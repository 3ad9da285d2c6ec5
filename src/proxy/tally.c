#include "proxy/tally.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "proxy/news.h"
#include "proxy/worker.h"

/* Per tick: answers are those of the last twelve seconds, more or less, so that
 * there is little of chance in them; and, as what is asked for, of the last
 * half, to see at once what is new (placement/demand.h). How much of them is
 * chance (COUNTED_S there) follows from that, and placement/hotset_crowd_test.c
 * has what comes of it. */
#define KEEP 0.9800f
#define KEEP_RECENT 0.6065f /* exp(-1/2) */
#define RATE(count, keep) \
	((double)(count) * (1 - (double)(keep)) * (1000.0 / TALLY_TICK_MS))
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
tally_count(struct tally *t, const struct place_key *key, unsigned of,
	uint64_t bytes)
{
	struct tally_counts *c;

	if (!of)
		return;
	c = take(t);
	if (of & TALLY_ASKED)
		topk_count(&c->asked, key, 0);
	if (of & TALLY_ANSWERED)
		topk_count(&c->answered, key, bytes);
	if (of & TALLY_OTHER) {
		c->answered.total++;
		c->answered.bytes += (double)bytes;
	}
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
	struct tally_counts *c;

	topk_fade(&t->answered, KEEP);
	topk_fade(&t->recent, KEEP_RECENT);
	topk_fade(&t->asked, KEEP_RECENT);
	t->in *= (double)KEEP;
	if (!exchange(t))
		return;
	c = t->spare;
	topk_add(&t->answered, &c->answered);
	topk_add(&t->recent, &c->answered);
	topk_add(&t->asked, &c->asked);
	t->in += c->asked.total;
	topk_clear(&c->answered);
	topk_clear(&c->asked);
}

/* --- what is told --------------------------------------------------------- */

static int
by_rate(const void *a, const void *b)
{
	const struct demand_key *x = a, *y = b;
	double p = fmax(x->rate.rate, x->rate.recent);
	double q = fmax(y->rate.rate, y->rate.recent);

	return p > q ? -1 : p < q;
}

static int
by_key(const void *a, const void *b)
{
	const struct demand_key *x = a, *y = b;

	return x->key.hash > y->key.hash ? 1 : -(x->key.hash < y->key.hash);
}

/* Adds up those of one key; what is left of n. */
static size_t
sum_up(struct demand_key *keys, size_t n)
{
	size_t out = 0;

	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; i < n; i++) {
		struct demand_key *last = out ? &keys[out - 1] : NULL;

		if (!last || last->key.hash != keys[i].key.hash) {
			keys[out++] = keys[i];
			continue;
		}
		last->rate.rate += keys[i].rate.rate;
		last->rate.recent += keys[i].rate.recent;
		last->rate.work += keys[i].rate.work;
	}
	return out;
}

/* The most frequent ones of those, the first before the others. */
static size_t
choose(struct demand_key *keys, size_t n, double least, size_t most)
{
	size_t kept = 0;

	n = sum_up(keys, n);
	qsort(keys, n, sizeof(*keys), by_rate);
	while (kept < n && kept < most &&
		fmax(keys[kept].rate.rate, keys[kept].rate.recent) >= least)
		kept++;
	return kept;
}

/* recent: which of the two t is. */
static size_t
put_rates(const struct topk *t, bool recent, struct demand_key *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct topk_entry *e = &t->v[i];
		struct demand_rate *r = &out[i].rate;

		out[i] = (struct demand_key){.key = e->key};
		if (recent) {
			r->recent = RATE(e->count - e->error, KEEP_RECENT);
			continue;
		}
		r->rate = RATE(e->count - e->error, KEEP);
		r->work = RATE(e->bytes, KEEP);
	}
	return t->n;
}

void
tally_report(const struct node *n, struct news *out)
{
	size_t room = 2 * (size_t)n->config->workers * TOPK_SIZE, count = 0;
	struct demand_key *keys = xcalloc(room, sizeof(*keys));

	out->all = (struct demand_rate){0};
	out->in = 0;
	for (unsigned i = 0; i < n->config->workers; i++) {
		const struct tally *t = n->workers[i]->tally;

		out->all.rate += RATE(t->answered.total, KEEP);
		out->all.recent += RATE(t->recent.total, KEEP_RECENT);
		out->all.work += RATE(t->answered.bytes, KEEP);
		out->in += RATE(t->in, KEEP);
		count += put_rates(&t->answered, false, keys + count);
		count += put_rates(&t->recent, true, keys + count);
	}
	out->n = choose(keys, count,
		fmax(out->all.rate, out->all.recent) * SHARE_TOLD, NEWS_KEYS);
	memcpy(out->keys, keys, out->n * sizeof(*keys));
	free(keys);
}

size_t
tally_asked(const struct node *n, struct demand_key *out, double *total)
{
	size_t room = (size_t)n->config->workers * TOPK_SIZE, count = 0;
	struct demand_key *keys = xcalloc(room, sizeof(*keys));

	*total = 0;
	for (unsigned i = 0; i < n->config->workers; i++) {
		const struct topk *t = &n->workers[i]->tally->asked;

		*total += t->total;
		for (size_t j = 0; j < t->n; j++)
			keys[count++] = (struct demand_key){.key = t->v[j].key,
				.rate.rate = (double)(t->v[j].count -
					t->v[j].error)};
	}
	count = choose(keys, count, *total * ASKED_LEAST, TALLY_ASKED_MOST);
	memcpy(out, keys, count * sizeof(*out));
	free(keys);
	return count;
}
