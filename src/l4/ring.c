#include "l4/ring.h"

#include "base/mem.h"
#include "base/own.h"
#include "l4/core/sched.h"

#include <string.h>

void
ring_hash(
	const struct rules_service *s, bool by_weight, uint16_t out[RING_HASH])
{
	size_t at = 0, turns = 0;

	memset(out, 0, RING_HASH * sizeof(*out));
	if (!s->nservers)
		return;
	for (size_t i = 0; i < RING_HASH; i++) {
		out[i] = (uint16_t)(at + 1);
		/* one of weight 0 has a turn as well */
		if (by_weight && ++turns < s->servers[at].weight)
			continue;
		at = (at + 1) % s->nservers;
		turns = 0;
	}
}

static uint32_t
gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* A server's own order of the table's places. */
struct preference {
	uint32_t place, skip, turns;
};

static void
prefer(const struct rules_service *s, struct preference *p)
{
	uint32_t step = 0, most = 0, shift = 0;

	for (size_t i = 0; i < s->nservers; i++) {
		step = gcd(s->servers[i].last_weight, step);
		if (s->servers[i].last_weight > most)
			most = s->servers[i].last_weight;
	}
	/* so that no server has more than 64 turns in a row */
	while (step && (most / step) >> shift >= 64)
		shift++;
	for (size_t i = 0; i < s->nservers; i++) {
		const struct rules_server *server = &s->servers[i];
		uint32_t v = server->port + l4_fold(&server->addr);
		uint32_t w = server->last_weight;

		p[i].place = l4_siphash(v, L4_MH_KEY1) % RING_MAGLEV;
		p[i].skip = l4_siphash(v, L4_MH_KEY2) % (RING_MAGLEV - 1) + 1;
		p[i].turns = w ? (w / step) >> shift : 0;
		if (w && !p[i].turns)
			p[i].turns = 1;
	}
}

static bool
any_turn(const struct preference *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].turns)
			return true;
	return false;
}

void
ring_maglev(const struct rules_service *s, uint16_t out[RING_MAGLEV])
{
	own_free struct preference *p = xcalloc(s->nservers + 1, sizeof(*p));
	size_t filled = 0, i = 0;

	memset(out, 0, RING_MAGLEV * sizeof(*out));
	prefer(s, p);
	if (!any_turn(p, s->nservers))
		return;
	for (;; i = (i + 1) % s->nservers)
		for (uint32_t t = 0; t < p[i].turns; t++) {
			while (out[p[i].place])
				p[i].place =
					(p[i].place + p[i].skip) % RING_MAGLEV;
			out[p[i].place] = (uint16_t)(i + 1);
			if (++filled == RING_MAGLEV)
				return;
		}
}
