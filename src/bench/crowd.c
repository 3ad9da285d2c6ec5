#include "bench/crowd.h"

#include "base/clock.h"

#include <stdio.h>

static uint32_t
add(struct crowd *c, uint64_t bytes, const char *target)
{
	return catalog_add(&c->catalog, str_z(target), bytes);
}

void
crowd_init(struct crowd *c, size_t objects, double alpha, uint64_t bytes,
	uint64_t seed)
{
	char target[32];

	*c = (struct crowd){.dice = {~seed}, .flash_at_ns = UINT64_MAX};
	for (size_t i = 0; i < objects; i++) {
		snprintf(target, sizeof(target), "/o/%zu", i);
		(void)add(c, bytes, target);
	}
	(void)add(c, bytes, "/flash");
	zipf_init(&c->zipf, objects, alpha, seed);
}

void
crowd_fini(struct crowd *c)
{
	catalog_fini(&c->catalog);
	zipf_fini(&c->zipf);
}

void
crowd_flash(struct crowd *c, uint64_t after_ns)
{
	c->flash_at_ns = clock_mono_ns() + after_ns;
}

bool
crowd_order(void *ctx, unsigned client, struct play_step *out)
{
	struct crowd *c = ctx;
	bool flash = clock_mono_ns() >= c->flash_at_ns && rng_u64(&c->dice) % 2;

	out->request.method = METHOD_GET;
	out->request.object = flash ? (uint32_t)c->zipf.pick.n
				    : (uint32_t)zipf_next(&c->zipf);
	return true;
}
