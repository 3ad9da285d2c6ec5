#include "proxy/owner.h"

#include <xxhash.h>

#include "base/check.h"
#include "base/epoch.h"
#include "placement/hotset.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/peer.h"

enum {
	/* A node with fewer requests under way is never too busy: small numbers
	 * differ by chance. */
	LOAD_LEAST = 32,
	FEW = 4,	 /* of a ranking are enough, most of the time */
	CROWD = 4,	 /* requests for one key that wait for another node */
	CROWD_PART = 4,	 /* ... which is such a part of all that do */
	ELDER_MS = 2000, /* who started so much earlier is elder */
	DISAGREE_MS = 1000, /* nodes differ by less on how far a ramp is */
};

struct ranked {
	uint8_t member[VIEW_MAX_NODES];
	size_t n;
};

static uint64_t
hash_in(uint64_t hash, size_t place)
{
	return hash ^ place * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t
owner_hash(struct str key, size_t place)
{
	return hash_in(place_hash(key), place);
}

void
owner_place(struct exchange *x)
{
	const struct node_config *config = x->worker->node->config;
	size_t place = places_choose(
		config, &x->head, x->route.key_host, x->route.key_target);
	const struct policy *policy =
		(place ? &config->groups[place - 1].place : &config->place)
			->policy;

	x->placed = (struct place_key){
		.hash = hash_in(x->route.hash, place),
		.digest = policy->digest ? policy->digest(x->route.key)
					 : x->route.hash,
		.place = (uint8_t)place,
	};
}

/* --- who is fit ----------------------------------------------------------- */

static uint64_t
started_ns(const struct worker *w, size_t i)
{
	return i == w->node->config->self ? w->node->started_ns
					  : peer_started_ns(w->peers[i]);
}

static bool
is_elder(const struct worker *w, size_t a, size_t b)
{
	return started_ns(w, a) + ELDER_MS * NS_PER_MS < started_ns(w, b);
}

static bool
has_elder(const struct worker *w, const struct view *v, size_t b)
{
	for (size_t i = 0; i < v->nnodes; i++) {
		size_t a = v->nodes[i].member;

		if (a != b &&
			(a == w->node->config->self ||
				(w->peers[a] && peer_is_up(w->peers[a]))) &&
			is_elder(w, a, b))
			return true;
	}
	return false;
}

/* For how long it has had keys: since it started, while others were there, or
 * since the view that brought it in. UINT64_MAX: for ever. */
static uint64_t
owning_ns(const struct worker *w, const struct places *p, size_t i)
{
	uint64_t now_ns = loop_now_ns(w->loop), age = UINT64_MAX;
	const struct places *before = atomic_load(&p->before);
	uint64_t started = started_ns(w, i);
	uint64_t ramp_ns = w->node->config->ramp_ns;

	if (now_ns < started + ramp_ns && has_elder(w, &p->view, i))
		age = now_ns > started ? now_ns - started : 0;
	if (before && now_ns < p->since_ns + ramp_ns) {
		uint64_t id = 0;
		int was;

		for (size_t j = 0; j < p->view.nnodes; j++)
			if (p->view.nodes[j].member == i)
				id = p->view.nodes[j].id;
		was = view_find(&before->view, id);
		if ((was < 0 || before->view.nodes[was].out) &&
			now_ns - p->since_ns < age)
			age = now_ns > p->since_ns ? now_ns - p->since_ns : 0;
	}
	return age;
}

/* Keys come in by a draw of their own: the same ones at all nodes, more and
 * more of them. ahead_ns: as it will be then. */
static bool
is_ramping(const struct worker *w, const struct places *p, size_t i,
	uint64_t key, uint64_t ahead_ns)
{
	uint64_t ramp_ns = w->node->config->ramp_ns, age;
	double drawn;

	if (!ramp_ns ||
		(loop_now_ns(w->loop) >= p->since_ns + ramp_ns &&
			loop_now_ns(w->loop) >= started_ns(w, i) + ramp_ns))
		return false;
	age = owning_ns(w, p, i);
	if (age >= ramp_ns || ahead_ns >= ramp_ns - age)
		return false;
	age += ahead_ns;
	drawn = (double)(XXH3_64bits_withSeed(&key, sizeof(key), 1) >> 11) *
		0x1p-53;
	return drawn >= (double)age / (double)ramp_ns;
}

bool
owner_is_ramping(const struct worker *w, size_t index, uint64_t key)
{
	bool ramping;

	epoch_enter();
	ramping = is_ramping(w, membership_places(w->node), index, key, 0);
	epoch_leave();
	return ramping;
}

/* ... to be asked, had it the key? */
static bool
can_be_asked(const struct exchange *x, size_t i)
{
	const struct worker *w = x->worker;

	return i == w->node->config->self ||
		(w->peers[i] && peer_is_trusted(w->peers[i]) &&
			!(x->passed_over & UINT64_C(1) << i));
}

static bool
is_fit(const struct exchange *x, const struct places *p, size_t i, uint64_t key)
{
	return can_be_asked(x, i) && !is_ramping(x->worker, p, i, key, 0);
}

/* Those of the first `most` of the place's ranking who are fit; of all, if
 * there is none. In a section of base/epoch.h. */
static void
rank_fit(const struct exchange *x, const struct places *p, size_t place,
	size_t most, struct ranked *out)
{
	const struct place *pl = p->v[place];
	uint64_t key = x->route.hash;
	struct ranking r;

	pl->policy->rank(pl, x->placed.digest, most, &r);
	out->n = 0;
	for (size_t j = 0; j < r.n; j++) {
		uint8_t i = pl->view.nodes[r.node[j]].member;

		if (is_fit(x, p, i, key))
			out->member[out->n++] = i;
	}
	if (!out->n && r.n < pl->view.nlive)
		rank_fit(x, p, place, VIEW_MAX_NODES, out);
}

/* --- load ----------------------------------------------------------------- */

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
static size_t
first_not_full(const struct worker *w, const struct ranked *all, size_t r,
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
static size_t
choose(struct worker *w, const struct hot *hot, const struct ranked *all,
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

/* --- the answers ---------------------------------------------------------- */

/* What is hot does not count where nodes don't agree on rankings. */
static const struct hot *
find_hot(const struct exchange *x, const struct place *p)
{
	return place_is_agreed(p) ? heat_find(x->worker->node, x->placed.hash)
				  : NULL;
}

/* A cluster of one. */
static bool
is_alone(const struct worker *w, const struct view *v)
{
	return v->nnodes == 1 && v->nodes[0].member == w->node->config->self;
}

/* Do so many wait for that key already, of all that wait, that its owner can't
 * be in time? Then we get a copy, rather than that they all queue up there:
 * when something becomes hot, that is known here at once, and all nodes
 * together leave the owner a few requests each. Whoever may not share what is
 * stored asks him. */
static bool
is_crowd(const struct exchange *x, const struct place *p)
{
	const struct worker *w = x->worker;
	unsigned n = w->waiting[x->placed.hash % WORKER_WAITING];

	return n >= CROWD && CROWD_PART * n >= w->nwaiting &&
		w->node->config->copies_pct > 100 && place_is_agreed(p) &&
		!head_find(&x->head, FIELD_AUTHORIZATION);
}

/* In a section of base/epoch.h. False: there is nobody. */
static bool
find_member(struct exchange *x, size_t *i)
{
	struct worker *w = x->worker;
	const struct places *ps = membership_places(w->node);
	const struct place *p;
	const struct hot *hot;
	struct ranked all;
	size_t place, r;

	if (is_alone(w, &ps->view))
		return false;
	place = x->placed.place;
	p = ps->v[place];
	hot = find_hot(x, p);
	rank_fit(x, ps, place, hot ? VIEW_MAX_NODES : FEW, &all);
	if (!all.n)
		return false;
	r = hot && hot->r < all.n ? hot->r : hot ? all.n : 1;
	*i = hot ? choose(w, hot, &all, r) : all.member[0];
	*i = first_not_full(w, &all, r, *i);
	if (*i != w->node->config->self && is_crowd(x, p))
		*i = w->node->config->self;
	return true;
}

struct peer *
owner_find(struct exchange *x)
{
	struct worker *w = x->worker;
	size_t i = 0;
	bool found;

	if (x->from_peer || x->stay)
		return NULL;
	epoch_enter();
	found = find_member(x, &i);
	epoch_leave();
	if (!found)
		return NULL;
	x->owner = i;
	return i == w->node->config->self ? NULL : w->peers[i];
}

/* Whose it was, before the view changed or we started: the first who is fit
 * and not us. */
static size_t
previous_owner(struct exchange *x, const struct places *p, size_t place)
{
	struct worker *w = x->worker;
	const struct node_config *config = w->node->config;
	uint64_t now_ns = loop_now_ns(w->loop);
	const struct places *before = atomic_load(&p->before);
	bool changed = before && now_ns < p->since_ns + config->warmup_ns;
	bool started = now_ns < w->node->started_ns + config->warmup_ns;
	struct ranked all;

	if (!changed && !started)
		return config->self;
	rank_fit(x, changed ? before : p, place, FEW, &all);
	for (size_t j = 0; j < all.n; j++) {
		size_t i = all.member[j];

		if (i == config->self && changed && !started)
			return i; /* it was ours already */
		if (i == config->self)
			continue;
		return changed || is_elder(w, i, config->self) ? i
							       : config->self;
	}
	return config->self;
}

/* Whose it will be in a moment, and is already as some others see it:
 * ourselves, if there is nobody. */
static size_t
next_owner(struct exchange *x, const struct places *p, size_t place)
{
	const struct place *pl = p->v[place];
	uint64_t key = x->route.hash;
	struct ranking r;

	pl->policy->rank(pl, x->placed.digest, FEW, &r);
	for (size_t j = 0; j < r.n; j++) {
		size_t i = pl->view.nodes[r.node[j]].member;

		if (!can_be_asked(x, i))
			continue;
		if (is_fit(x, p, i, key))
			break;
		if (!is_ramping(x->worker, p, i, key, DISAGREE_MS * NS_PER_MS))
			return i;
	}
	return x->worker->node->config->self;
}

struct peer *
owner_source(struct exchange *x, size_t *index, bool *cached_only)
{
	struct worker *w = x->worker;
	size_t self = w->node->config->self, place = x->placed.place, i = self;
	const struct places *p;
	struct ranked all;

	epoch_enter();
	p = membership_places(w->node);
	if (!p->v[place]->policy->turns) {
		rank_fit(x, p, place, FEW, &all);
		i = all.n ? all.member[0] : self;
		*cached_only = i == self;
		if (i == self)
			i = previous_owner(x, p, place);
		if (i == self)
			i = next_owner(x, p, place);
	}
	epoch_leave();
	*index = i;
	return i == self ? NULL : w->peers[i];
}

/* --- ht_rr, shared -------------------------------------------------------- */

int
owner_elsewhere(struct exchange *x)
{
	size_t place = x->placed.place;
	const struct place *p;
	uint64_t key = x->placed.digest;
	int i = -1;

	epoch_enter();
	p = membership_places(x->worker->node)->v[place];
	if (p->params.shared && p->view.nlive &&
		p->view.nodes[ht_rr_home(p, key)].id == p->params.self)
		i = p->view.nodes[ht_rr_claim(p, key)].member;
	epoch_leave();
	return i == (int)x->worker->node->config->self ? -1 : i;
}

void
owner_learn(struct exchange *x, size_t index)
{
	size_t place = x->placed.place;
	const struct place *p;

	epoch_enter();
	p = membership_places(x->worker->node)->v[place];
	for (size_t i = 0; p->params.shared && i < p->view.nnodes; i++)
		if (p->view.nodes[i].member == index)
			ht_rr_learn(p, x->placed.digest, i);
	epoch_leave();
}

size_t
owner_ranking(struct worker *w, struct str key, size_t place, uint8_t *out)
{
	const struct place *p;
	struct ranking r;

	epoch_enter();
	p = membership_places(w->node)->v[place];
	place_rank(p, key, VIEW_MAX_NODES, &r);
	for (size_t i = 0; i < r.n; i++)
		out[i] = p->view.nodes[r.node[i]].member;
	epoch_leave();
	return r.n;
}
