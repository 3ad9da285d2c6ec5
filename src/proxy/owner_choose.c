/* Which of those that are fit is asked, by what each of them has to do. */
#include "base/check.h"
#include "proxy/heat.h"
#include "proxy/owner_internal.h"
#include "proxy/peer.h"

enum {
	/* A node with fewer requests under way is never too busy: small numbers
	 * differ by chance. */
	LOAD_LEAST = 32,
	SHARE_FAIR_PCT = 100, /* of the mean */
	SHARE_SAME_PCT = 2,
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

/* Mirrokni, Thorup and Zadimoghaddam. */
size_t
owner_not_full(const struct worker *w, const struct ranked *r, size_t chosen)
{
	double bound;

	if (!w->node->config->bound_pct || load_of(w, chosen) < LOAD_LEAST)
		return chosen;
	bound = bound_of(w);
	if (load_of(w, chosen) <= bound)
		return chosen;
	for (size_t j = 0; j < r->n; j++)
		if (load_of(w, r->member[j]) <= bound)
			return r->member[j];
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

static size_t
draw(struct worker *w, size_t n)
{
	return (size_t)(next_random(w) >> 33) % n;
}

static double
draw_unit(struct worker *w)
{
	return (double)(next_random(w) >> 11) * 0x1p-53;
}

/* By what they answered of late, for that has less of chance in it than what is
 * under way; which decides where that is much the same. */
static size_t
less_busy(const struct worker *w, size_t a, size_t b)
{
	unsigned x = heat_share_pct(w->node, a);
	unsigned y = heat_share_pct(w->node, b);

	if (x + SHARE_SAME_PCT < y || y + SHARE_SAME_PCT < x)
		return x < y ? a : b;
	return load_of(w, b) < load_of(w, a) ? b : a;
}

/* What the key's parts say: of two draws the one who has less under way. */
static size_t
choose_by_parts(struct worker *w, const struct hot *hot,
	const struct ranked *all, size_t r, unsigned nodes)
{
	size_t self = w->node->config->self;
	size_t a, b;

	a = all->member[hot_choose(
		hot, all->member, r, self, nodes, draw_unit(w))];
	b = all->member[hot_choose(
		hot, all->member, r, self, nodes, draw_unit(w))];
	if (a == self || b == self)
		return a;
	return load_of(w, b) < load_of(w, a) ? b : a;
}

/* Of the first r, but for those who have more than their share if there are
 * others: ourselves, or the less busy of two. */
static size_t
choose_by_shares(struct worker *w, const struct ranked *all, size_t r)
{
	const size_t self = w->node->config->self;
	uint8_t some[VIEW_MAX_NODES];
	size_t n = 0, a, b;

	CHECK(r > 0);
	for (size_t j = 0; j < r; j++) {
		if (heat_share_pct(w->node, all->member[j]) > SHARE_FAIR_PCT)
			continue;
		if (all->member[j] == self)
			return self;
		some[n++] = all->member[j];
	}
	for (size_t j = 0; !n && j < r; j++)
		some[j] = all->member[j];
	n = n ? n : r;
	a = draw(w, n);
	b = n > 1 ? (a + 1 + draw(w, n - 1)) % n : a;
	return less_busy(w, some[a], some[b]);
}

/* Of the first r that are fit. */
size_t
owner_choose(struct worker *w, const struct place *p, const struct hot *hot,
	const struct ranked *all)
{
	size_t r = hot->r < all->n ? hot->r : all->n;

	if (p->policy->rank_hash && !w->node->config->ngroups)
		return choose_by_parts(w, hot, all, r, (unsigned)p->view.nlive);
	return choose_by_shares(w, all, r);
}
