#include "l4/image.h"

#include "base/mem.h"

#include <stdlib.h>
#include <sys/random.h>

/* IPVS's own, in seconds; conns in states that a balancer sees. */
static const struct {
	enum l4_state state;
	unsigned s;
} timeouts[] = {
	{L4_NONE, 2},
	{L4_ESTABLISHED, 900},
	{L4_SYN_SENT, 120},
	{L4_SYN_RECV, 60},
	{L4_FIN_WAIT, 120},
	{L4_TIME_WAIT, 120},
	{L4_CLOSE, 10},
	{L4_CLOSE_WAIT, 60},
	{L4_LAST_ACK, 30},
	{L4_LISTEN, 120},
	{L4_SYNACK, 120},
	{L4_UDP, 300},
	{L4_FRAGMENT, 2},
};

#define NEW_MAX 8192 /* flows a CPU begins in a tick: 122,000 a second */
#define START 4096u  /* buckets in use at first: 1 MB, for 10,000 flows */
#define CACHE_S (24 * 3600)

uint32_t
l4_image_ticks(uint64_t s)
{
	return (uint32_t)((s * 1000000000u) >> L4_TICK_SHIFT);
}

/* How many buckets hold this many flows and are at most half full. */
static uint32_t
buckets_for(uint64_t flows)
{
	uint32_t n = 1;

	while ((uint64_t)n * L4_WAYS < 2 * flows && n < 1u << 27)
		n *= 2;
	return n;
}

void
l4_image_size(struct l4_image *i, uint32_t cpus, uint64_t flows)
{
#define MAP(name, type, n) i->n_##name = n;
#include "l4/maps.def"
#undef MAP
	i->n_stats = cpus * L4_DESTS_MAX;
	i->n_tallies = cpus;
	i->n_buckets = buckets_for(flows);
}

void
l4_image_init(struct l4_image *i, uint64_t flows)
{
	l4_image_size(i, 1, flows);
#define MAP(name, type, n) i->name = xcalloc(i->n_##name, sizeof(type));
#include "l4/maps.def"
#undef MAP
}

void
l4_image_fini(struct l4_image *i)
{
#define MAP(name, type, n) free(i->name);
#include "l4/maps.def"
#undef MAP
}

void
l4_image_start(struct l4_image *i)
{
	struct l4_ctl *ctl = i->ctl;

	(void)!getrandom(ctl->seed, sizeof(ctl->seed), 0);
	for (size_t k = 0; k < sizeof(timeouts) / sizeof(timeouts[0]); k++)
		ctl->timeout[timeouts[k].state] = l4_image_ticks(timeouts[k].s);
	ctl->bucket_mask = i->n_buckets < START ? i->n_buckets - 1 : START - 1;
	ctl->old_mask = ctl->bucket_mask;
	ctl->new_max = NEW_MAX;
	ctl->cache_timeout = l4_image_ticks(CACHE_S);
}
