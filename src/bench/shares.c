#include "bench/shares.h"

#include <string.h>

/* SHARES_NODES: there is no room for one more. */
static size_t
node_named(struct shares *s, struct str name)
{
	size_t i = 0;

	while (i < s->nnodes && !str_eq(str_z(s->nodes[i].name), name))
		i++;
	if (i < s->nnodes)
		return i;
	if (i == SHARES_NODES || name.n >= sizeof(s->nodes[i].name))
		return SHARES_NODES;
	memcpy(s->nodes[i].name, name.p, name.n);
	return s->nnodes++;
}

void
shares_count(struct shares *s, const struct trail *t, uint64_t second)
{
	size_t ingress, owner;

	if (!t->ingress.n)
		return;
	ingress = node_named(s, t->ingress);
	owner = node_named(s, t->owner);
	if (ingress == SHARES_NODES || owner == SHARES_NODES)
		return;
	s->nodes[ingress].taken++;
	s->nodes[owner].served++;
	if (second >= SHARES_SECONDS)
		return;
	s->served[second][owner]++;
	if (second >= s->seconds)
		s->seconds = second + 1;
}

static double
peak(uint64_t most, uint64_t sum, size_t n)
{
	return sum ? (double)most * (double)n / (double)sum : 0;
}

double
shares_peak(const struct shares *s)
{
	uint64_t sum = 0, most = 0;

	for (size_t i = 0; i < s->nnodes; i++) {
		sum += s->nodes[i].served;
		if (s->nodes[i].served > most)
			most = s->nodes[i].served;
	}
	return peak(most, sum, s->nnodes);
}

double
shares_peak_in(const struct shares *s, uint64_t second)
{
	uint64_t sum = 0, most = 0;

	for (size_t i = 0; i < s->nnodes; i++) {
		sum += s->served[second][i];
		if (s->served[second][i] > most)
			most = s->served[second][i];
	}
	return peak(most, sum, s->nnodes);
}
