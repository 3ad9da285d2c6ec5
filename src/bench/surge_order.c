/* See surge.h: who asks for what, and when. */
#include "bench/surge_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <math.h>
#include <stdlib.h>

/* Pages to both sides of the place in the stack that the distance says: more
 * spread each page over the round more evenly, and blur the distance. */
enum { WINDOW = 2 };

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

/* The order of first requests in a round: as if the requests for each page
 * were spread over it at random, of which the earliest counts. */
static void
order_firsts(struct surge *s)
{
	own_free struct key *keys = xcalloc(s->nfiles, sizeof(*keys));
	struct surge_stack *st = &s->stack;

	st->nfirsts = 0;
	for (size_t i = 0; i < s->nfiles; i++) {
		double u = rng_unit(&st->rng);

		if (s->files[i].class != SURGE_EMBEDDED)
			keys[st->nfirsts++] = (struct key){
				1 - pow(u, 1.0 / s->files[i].requests),
				(uint32_t)i};
	}
	qsort(keys, st->nfirsts, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < st->nfirsts; i++)
		st->firsts[i] = keys[i].page;
}

static void
begin_round(struct surge *s)
{
	struct surge_stack *st = &s->stack;

	order_firsts(s);
	st->n = st->done = st->round = st->begun = 0;
	for (size_t i = 0; i < st->nfirsts; i++) {
		uint32_t page = st->firsts[i];

		st->left[page] = s->files[page].requests;
		st->round += st->left[page];
	}
}

/* First requests come at even intervals: the request that the next is due at.
 */
static uint64_t
next_first(const struct surge_stack *st)
{
	return st->begun * st->round / st->nfirsts;
}

/* How many requests the page lacks, were they even from its first to the
 * round's end. */
static double
lack(const struct surge *s, uint32_t page)
{
	const struct surge_stack *st = &s->stack;
	double all = s->files[page].requests;
	double first = (double)st->first_at[page];
	double due = all * ((double)st->done + 1 - first) /
		((double)st->round - first);

	return due - (all - st->left[page]);
}

/* The place in the stack, at a lognormal distance from the top or near it. */
static size_t
choose(struct surge *s)
{
	struct surge_stack *st = &s->stack;
	double d = lognormal_quantile(&surge_distance, rng_unit(&st->rng));
	size_t at = d < (double)st->n ? (size_t)d : st->n - 1;
	size_t best = at > WINDOW ? at - WINDOW : 0;

	for (size_t i = best + 1; i <= at + WINDOW && i < st->n; i++)
		if (lack(s, st->pages[i]) > lack(s, st->pages[best]))
			best = i;
	return best;
}

/* Takes a page out of its place, or a new one. */
static uint32_t
take_page(struct surge *s)
{
	struct surge_stack *st = &s->stack;

	if (st->begun < st->nfirsts &&
		(st->n == 0 || next_first(st) <= st->done)) {
		uint32_t page = st->firsts[st->begun++];

		st->first_at[page] = st->done;
		return page;
	}
	size_t i = choose(s);
	uint32_t page = st->pages[i];
	st->n--;
	memmove(st->pages + i, st->pages + i + 1,
		(st->n - i) * sizeof(*st->pages));
	return page;
}

uint32_t
surge_next_page(struct surge *s)
{
	struct surge_stack *st = &s->stack;

	if (st->done == st->round)
		begin_round(s);
	uint32_t page = take_page(s);
	st->done++;
	if (--st->left[page] > 0) {
		memmove(st->pages + 1, st->pages, st->n * sizeof(*st->pages));
		st->pages[0] = page;
		st->n++;
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
	s->stack.firsts = xcalloc(s->nfiles, sizeof(*s->stack.firsts));
	s->stack.first_at = xcalloc(s->nfiles, sizeof(*s->stack.first_at));
	s->stack.rng.state = seed;
	s->off.state = ~seed;
}

void
surge_order_fini(struct surge *s)
{
	free(s->users);
	free(s->stack.pages);
	free(s->stack.left);
	free(s->stack.firsts);
	free(s->stack.first_at);
}
