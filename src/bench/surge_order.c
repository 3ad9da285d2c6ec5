/* See surge.h: who asks for what, and when. */
#include "bench/surge_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <math.h>
#include <stdlib.h>

/* Pages to both sides of the place in the stack that the distance says: more
 * even the popular ones out, and blur the distance. */
enum { WINDOW = 1 };

struct key {
	double at;
	uint32_t page;
};

static int
compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* A new round: all pages on the stack, in an order as if each had last been
 * asked for some time ago, the popular ones rather lately. */
static void
fill_stack(struct surge *s)
{
	own_free struct key *keys = xcalloc(s->nfiles, sizeof(*keys));
	struct surge_stack *st = &s->stack;

	st->n = st->done = st->round = 0;
	for (size_t i = 0; i < s->nfiles; i++) {
		uint32_t requests = s->files[i].requests;

		if (s->files[i].class == SURGE_EMBEDDED)
			continue;
		keys[st->n++] = (struct key){
			-log(rng_unit(&st->rng)) / requests, (uint32_t)i};
		st->left[i] = requests;
		st->round += requests;
	}
	qsort(keys, st->n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < st->n; i++)
		st->pages[i] = keys[i].page;
}

/* How many requests the page lacks of its share of the round so far. */
static double
lack(const struct surge *s, uint32_t page)
{
	const struct surge_stack *st = &s->stack;
	double all = s->files[page].requests;

	return all * (double)(st->done + 1) / (double)st->round -
		(all - st->left[page]);
}

/* The place near `at` whose page lacks the most. */
static size_t
choose(const struct surge *s, size_t at)
{
	const struct surge_stack *st = &s->stack;
	size_t first = at > WINDOW ? at - WINDOW : 0, best = first;

	for (size_t i = first + 1; i <= at + WINDOW && i < st->n; i++)
		if (lack(s, st->pages[i]) > lack(s, st->pages[best]))
			best = i;
	return best;
}

uint32_t
surge_next_page(struct surge *s)
{
	struct surge_stack *st = &s->stack;

	if (st->n == 0)
		fill_stack(s);
	double d = lognormal_quantile(&surge_distance, rng_unit(&st->rng));
	size_t at = d < (double)st->n ? (size_t)d : st->n - 1;
	size_t i = choose(s, at);
	uint32_t page = st->pages[i];

	st->done++;
	if (--st->left[page] > 0) {
		memmove(st->pages + 1, st->pages, i * sizeof(*st->pages));
		st->pages[0] = page;
	} else {
		st->n--;
		memmove(st->pages + i, st->pages + i + 1,
			(st->n - i) * sizeof(*st->pages));
	}
	return page;
}

static uint64_t
seconds(double s)
{
	return s < 1e6 ? (uint64_t)(s * 1e9) : 1000000 * NS_PER_S;
}

bool
surge_order(void *ctx, unsigned client, struct play_step *out)
{
	struct surge *s = ctx;
	struct surge_user *u = &s->users[client];
	double v = rng_unit(&s->off);

	out->request.method = METHOD_GET;
	if (u->has_a_page && u->next < s->files[u->page].nlinks) {
		out->request.object =
			s->links[s->files[u->page].first + u->next++];
		out->wait_ns =
			seconds(weibull_quantile(&surge_active_off_s, v));
		return true;
	}
	*u = (struct surge_user){surge_next_page(s), 0, true};
	out->request.object = u->page;
	out->wait_ns = seconds(pareto_quantile(&surge_inactive_off_s, v));
	return true;
}

void
surge_order_init(struct surge *s, unsigned users, uint64_t seed)
{
	s->users = xcalloc(users, sizeof(*s->users));
	s->stack.pages = xcalloc(s->nfiles, sizeof(*s->stack.pages));
	s->stack.left = xcalloc(s->nfiles, sizeof(*s->stack.left));
	s->stack.rng.state = seed;
	s->off.state = ~seed;
}

void
surge_order_fini(struct surge *s)
{
	free(s->users);
	free(s->stack.pages);
	free(s->stack.left);
}
