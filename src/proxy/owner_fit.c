/* Who is fit to be asked, of those that a ranking names. */
#include <math.h>
#include <xxhash.h>

#include "base/epoch.h"
#include "proxy/owner_internal.h"
#include "proxy/peer.h"

enum { ELDER_MS = 2000 }; /* who started so much earlier is elder */

/* For how long node i has been running: that may be longer than our own machine
 * has. */
static uint64_t
age_ns(const struct worker *w, size_t i)
{
	uint64_t started = i == w->node->config->self
		? w->node->started_ns
		: peer_started_ns(w->peers[i]);
	int64_t age = (int64_t)(loop_now_ns(w->loop) - started);

	return age > 0 ? (uint64_t)age : 0;
}

/* Has a been there for longer than b, so that everybody sees it alike? */
static bool
is_elder(const struct worker *w, size_t a, size_t b)
{
	return age_ns(w, a) > age_ns(w, b) + ELDER_MS * NS_PER_MS;
}

bool
owner_is_young(const struct worker *w, size_t i)
{
	return age_ns(w, i) < w->node->config->warmup_ns;
}

bool
owner_has_elder(const struct worker *w, const struct places *p, size_t b)
{
	for (size_t i = 0; i < p->view.nnodes; i++) {
		size_t a = p->view.nodes[i].member;

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
	uint64_t ramp_ns = w->node->config->ramp_ns;

	if (age_ns(w, i) < ramp_ns && owner_has_elder(w, p, i))
		age = age_ns(w, i);
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
 * more of them. How far into a ramp this one does, in [0, 1). */
static double
drawn(uint64_t key)
{
	return (double)(XXH3_64bits_withSeed(&key, sizeof(key), 1) >> 11) *
		0x1p-53;
}

bool
owner_is_ramping_at(const struct worker *w, const struct places *p, size_t i,
	uint64_t key, uint64_t ahead_ns)
{
	uint64_t ramp_ns = w->node->config->ramp_ns, age;

	if (!ramp_ns ||
		(loop_now_ns(w->loop) >= p->since_ns + ramp_ns &&
			age_ns(w, i) >= ramp_ns))
		return false;
	age = owning_ns(w, p, i);
	if (age >= ramp_ns || ahead_ns >= ramp_ns - age)
		return false;
	age += ahead_ns;
	return drawn(key) >= (double)age / (double)ramp_ns;
}

bool
owner_is_ramping(const struct worker *w, size_t index, uint64_t key)
{
	bool ramping;

	epoch_enter();
	ramping = owner_is_ramping_at(
		w, membership_places(w->node), index, key, 0);
	epoch_leave();
	return ramping;
}

double
owner_held_ns(
	const struct worker *w, const struct places *p, size_t i, uint64_t key)
{
	double ramp_ns = (double)w->node->config->ramp_ns;

	return owner_has_elder(w, p, i)
		? (double)age_ns(w, i) - drawn(key) * ramp_ns
		: INFINITY;
}

bool
owner_can_be_asked(const struct exchange *x, size_t i)
{
	const struct worker *w = x->worker;

	return i == w->node->config->self ||
		(w->peers[i] && peer_is_trusted(w->peers[i]) &&
			!(x->passed_over & UINT64_C(1) << i));
}

bool
owner_is_fit(const struct exchange *x, const struct places *p, size_t i,
	uint64_t key)
{
	return owner_can_be_asked(x, i) &&
		!owner_is_ramping_at(x->worker, p, i, key, 0);
}

void
owner_rank_fit(const struct exchange *x, const struct places *p, size_t place,
	size_t most, struct ranked *out)
{
	const struct place *pl = p->v[place];
	uint64_t key = x->route.hash;
	struct ranking r;

	pl->policy->rank(pl, x->placed.digest, most, &r);
	out->n = 0;
	for (size_t j = 0; j < r.n; j++) {
		uint8_t i = pl->view.nodes[r.node[j]].member;

		if (owner_is_fit(x, p, i, key))
			out->member[out->n++] = i;
	}
	if (!out->n && r.n < pl->view.nlive)
		owner_rank_fit(x, p, place, VIEW_MAX_NODES, out);
}
