#include "proxy/scarcity.h"

#include <math.h>

/* Apart, or it would go back and forth: to be scarce, and no longer. */
static const double link_on_us = 2000, link_off_us = 500;
static const double busy_on = 0.85, busy_off = 0.7;
static const double used_on = 0.95, used_off = 0.88;
static const double weight = 0.3; /* of a new look */
/* Not more, since it takes seconds until it shows. Half of a wait is what the
 * acknowledgements wait at the peers' links, for all alike. */
static const double excess_by_wait = 0.5, excess_most = 0.25;

static bool
crosses(bool is, double v, double on, double off)
{
	return is ? v > off : v > on;
}

static void
smooth(double *mean, double v)
{
	*mean += weight * (v - *mean);
}

void
scarcity_look_at_links(struct scarcity *s, struct wait w)
{
	smooth(&s->wait.mean_us, w.mean_us);
	smooth(&s->wait.least_us, w.least_us);
	s->link = crosses(s->link, s->wait.least_us, link_on_us, link_off_us);
}

void
scarcity_look_at_processors(struct scarcity *s, double busy, double used)
{
	smooth(&s->busy, busy);
	smooth(&s->used, used);
	s->cpu = crosses(s->cpu, s->busy, busy_on, busy_off) ||
		crosses(s->cpu, s->used, used_on, used_off);
}

uint64_t
scarcity_threshold(const struct scarcity *s)
{
	if (!s->link)
		return SCARCITY_CPU_BYTES;
	return s->cpu ? SCARCITY_BOTH_BYTES : SCARCITY_LINK_BYTES;
}

double
scarcity_excess(double wait_ms, double mean_ms)
{
	double excess;

	if (mean_ms <= 0)
		return 0;
	excess = excess_by_wait * (wait_ms / mean_ms - 1);
	return fmax(-excess_most, fmin(excess, excess_most));
}
