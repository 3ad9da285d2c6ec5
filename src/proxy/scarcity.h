#pragma once
/*
 * struct scarcity: which does a node have less of, its link or its processors?
 * Both are measured by how long things wait for them: packets, by what the
 * round trips to our peers take now beyond what they take at best; threads, by
 * the share of the time in which they wanted to run (and perhaps did). That
 * asks for no knowledge of the link's rate, and sees a bottleneck elsewhere on
 * the way, too. Processors that others keep busy are scarce for us as well. (By
 * how long our threads wait for their turn that can't be told: where many wake
 * at once they do so on a machine that is idle half of the time.)
 *
 * From that comes the size from which moving a connection is worth it:
 *
 *	link free	what passing on costs in CPU is all: SCARCITY_CPU_BYTES
 *	link scarce	every byte passed on is missed: SCARCITY_LINK_BYTES,
 *			where what nodes say to each other is as long for the
 *			one as for the other; unless the processors are scarce,
 *			too
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	/* `sevenfold bench handoff`: where the two cost the same CPU. */
	SCARCITY_CPU_BYTES = 192 * 1024,
	SCARCITY_LINK_BYTES = 256,
	SCARCITY_BOTH_BYTES = 16 * 1024,
};

struct scarcity {
	bool link, cpu;
	double wait_us, busy, used; /* smoothed */
};

/* One more look. wait_us: a round trip's time beyond the shortest. busy: the
 * share of the time in which each thread ran, or wanted to; used: that in which
 * the machine's processors ran anything. Both from 0 to 1. */
void
scarcity_look(struct scarcity *s, double wait_us, double busy, double used);
uint64_t scarcity_threshold(const struct scarcity *s);

/* How much more a node has to do than is counted, as a share of what each has,
 * going by how long packets wait there and at all nodes in the mean; below 0:
 * less. On links that are full all of the time work can't be seen otherwise:
 * nodes send as much as they can. */
double scarcity_excess(double wait_ms, double mean_ms);
