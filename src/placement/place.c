#include "placement/place.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"

const struct policy *const policies[] = {
	&policy_hrw,
	&policy_maglev,
	&policy_jump,
	&policy_ring,
	&policy_rr,
	&policy_md5,
	&policy_mit_ch,
	&policy_carp,
	&policy_mod_ch,
	&policy_ht_rr,
};
const size_t npolicies = sizeof(policies) / sizeof(policies[0]);

const struct policy *
policy_find(const char *name)
{
	for (size_t i = 0; i < npolicies; i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	return NULL;
}

struct place *
place_new(const struct policy *policy, const struct view *v,
	const struct place_params *params, _Atomic uint64_t *turn,
	const struct place *before)
{
	struct place *p = NEW(struct place);

	p->policy = policy;
	p->params = *params;
	if (!p->params.points)
		p->params.points = policy->points;
	p->view = *v;
	p->turn = turn;
	if (policy->build)
		p->table = policy->build(p, before, &p->table_bytes);
	return p;
}

void
place_free(struct place *p)
{
	if (!p)
		return;
	if (p->policy->free)
		p->policy->free(p->table);
	free(p);
}

uint64_t
place_hash(struct str key)
{
	return XXH3_64bits(key.p, key.n);
}

void
place_rank(
	const struct place *p, struct str key, size_t most, struct ranking *out)
{
	place_rank_hashed(
		p, key, p->policy->rank_hash ? place_hash(key) : 0, most, out);
}

void
place_rank_hashed(const struct place *p, struct str key, uint64_t hash,
	size_t most, struct ranking *out)
{
	if (p->policy->rank_hash)
		p->policy->rank_hash(p, hash, most, out);
	else
		p->policy->rank(p, key, most, out);
}
