#pragma once
/*
 * struct spin: is polling for events for a moment before sleeping worth it?
 * Where a few clients ask again at once, sleep and wake-up cost more time than
 * an answer. It is, while the waits have lately been short and the core is ours
 * alone: polling takes it from others.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	SPIN_NS = 50000,       /* the longest */
	SPIN_SHORT_WAITS = 16, /* in a row make it worth it */
	SPIN_LOOK_NS = 1000000,
	SPIN_OFF_NS = 50000000,
};

struct spin {
	unsigned short_waits; /* in a row */
	uint64_t look_at_ns;  /* for others who want our core */
	uint64_t off_until_ns;
	long pushed_aside; /* so many times when we last looked */
};

static inline bool
spin_is_worth_it(const struct spin *s)
{
	return s->short_waits >= SPIN_SHORT_WAITS;
}

/* At the end of each wait. */
void spin_saw(struct spin *s, uint64_t now_ns, uint64_t waited_ns);
