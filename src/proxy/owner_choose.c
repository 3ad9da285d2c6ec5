/* Which of those that are fit is asked, by what each of them has to do. */
#include "proxy/heat.h"
#include "proxy/owner_internal.h"
#include "proxy/peer.h"

enum {
	/* A node with fewer requests under way is never too busy: small numbers
	 * differ by chance. */
	LOAD_LEAST = 32,
};

static uint32_t
load_of(const struct worker *w, size_t i)
{
	return i == w->node->config->self ? heat_own_load(w->node)
					  : peer_load(w->peers[i]);
}

/* As much as a node may have to do, if the others have what they have. */
static double
bound_of(const struct worker *w)
{
	double sum = heat_own_load(w->node);
	unsigned n = 1;

	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (w->peers[i] && peer_is_up(w->peers[i])) {
			sum += peer_load(w->peers[i]);
			n++;
		}
	return sum / n * w->node->config->bound_pct / 100.0;
}

/* Mirrokni, Thorup and Zadimoghaddam: the first in the ranking who is not
 * full. But where links are scarce, of the first r only: what another one
 * hasn't got would have to come over the very link that is full; and as the
 * fullest collects the queue, he looks full nearly always. */
size_t
owner_not_full(const struct worker *w, const struct ranked *all, size_t r,
	size_t chosen)
{
	size_t n = heat_links_are_scarce(w->node) ? r : all->n;
	double bound;

	if (!w->node->config->bound_pct || load_of(w, chosen) < LOAD_LEAST)
		return chosen;
	bound = bound_of(w);
	if (load_of(w, chosen) <= bound)
		return chosen;
	for (size_t j = 0; j < n; j++)
		if (load_of(w, all->member[j]) <= bound)
			return all->member[j];
	return chosen;
}

/* xorshift64: where in the ranking, not whether anything is guessed. */
static uint64_t
next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static double
draw_unit(struct worker *w)
{
	return (double)(next_random(w) >> 11) * 0x1p-53;
}

/* Of the first r that are fit, by the key's parts: of two draws the one who has
 * less under way. */
size_t
owner_choose(struct worker *w, const struct hot *hot, const struct ranked *all,
	size_t r)
{
	size_t self = w->node->config->self;
	size_t a, b;

	a = all->member[hot_choose(hot, all->member, r, self, draw_unit(w))];
	b = all->member[hot_choose(hot, all->member, r, self, draw_unit(w))];
	if (a == self || b == self)
		return a;
	return load_of(w, b) < load_of(w, a) ? b : a;
}
