#include "base/epoch.h"
#include "proxy/heat.h"
#include "proxy/owner_internal.h"
#include "proxy/peer.h"

enum {
	FEW = 4,	/* of a ranking are enough, most of the time */
	CROWD = 4,	/* requests for one key that wait for another node */
	CROWD_PART = 4, /* ... which is such a part of all that do */
	DISAGREE_MS = 1000, /* nodes differ by less on how far a ramp is */
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

/* Not where nodes don't agree on rankings, and not what is to be distilled,
 * which is done once, at the owner. */
static bool
may_be_copied(const struct exchange *x, const struct place *p)
{
	return place_is_agreed(p) && !x->rendition.rules;
}

static const struct hot *
find_hot(const struct exchange *x, const struct place *p)
{
	return may_be_copied(x, p) ? heat_find(x->worker->node, x->placed.hash)
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
		w->node->config->copies_pct > 100 && may_be_copied(x, p) &&
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
	owner_rank_fit(x, ps, place, hot ? VIEW_MAX_NODES : FEW, &all);
	if (!all.n)
		return false;
	r = hot && hot->r < all.n ? hot->r : hot ? all.n : 1;
	*i = hot ? owner_choose(w, hot, &all, r) : all.member[0];
	*i = owner_not_full(w, &all, r, *i);
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

/* Has it started, when others were there, and does not have all of its keys'
 * objects yet? */
static bool
is_new(const struct worker *w, const struct places *p, size_t i)
{
	return owner_is_young(w, i) && owner_has_elder(w, p, i);
}

static bool
has_declined(const struct exchange *x, size_t i)
{
	return x->declined & UINT64_C(1) << i;
}

/* Whose it was, before the view changed or we started: the first who is fit,
 * had it before we did, and has not said that he lacks it. Who is new himself
 * may lack what nobody has asked him for yet: so the next one is asked, too. */
static size_t
previous_owner(struct exchange *x, const struct places *p, size_t place)
{
	struct worker *w = x->worker;
	size_t self = w->node->config->self;
	const struct places *before = atomic_load(&p->before);
	bool changed = before &&
		loop_now_ns(w->loop) < p->since_ns + w->node->config->warmup_ns;
	bool started = is_new(w, p, self);
	uint64_t key = x->route.hash;
	struct ranked all;

	if (!changed && !started)
		return self;
	owner_rank_fit(x, changed ? before : p, place, FEW, &all);
	for (size_t j = 0; j < all.n; j++) {
		size_t i = all.member[j];

		if (i == self && changed && !owner_is_young(w, self))
			return self; /* it was ours already */
		if (i == self ||
			(!changed &&
				owner_held_ns(w, p, i, key) <=
					owner_held_ns(w, p, self, key)))
			continue;
		if (!has_declined(x, i))
			return i;
		if (!is_new(w, p, i))
			break;
	}
	return self;
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

		if (!owner_can_be_asked(x, i))
			continue;
		if (owner_is_fit(x, p, i, key))
			break;
		if (!has_declined(x, i) &&
			!owner_is_ramping_at(
				x->worker, p, i, key, DISAGREE_MS * NS_PER_MS))
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
		owner_rank_fit(x, p, place, FEW, &all);
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
