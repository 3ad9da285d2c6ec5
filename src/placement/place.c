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

bool
place_is_agreed(const struct place *p)
{
	return !p->policy->turns || p->params.shared;
}

uint64_t
place_hash(struct str key)
{
	return XXH3_64bits(key.p, key.n);
}

uint64_t
place_digest(const struct place *p, struct str key)
{
	return p->policy->digest ? p->policy->digest(key) : place_hash(key);
}

void
place_rank(
	const struct place *p, struct str key, size_t most, struct ranking *out)
{
	p->policy->rank(p, place_digest(p, key), most, out);
}
