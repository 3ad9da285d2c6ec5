#pragma once
/*
 * struct scarcity: which does a node have less of, its link or its processors?
 * Both are measured by how long things wait for them: packets, by what
 * round trips to our peers take now beyond what they take at best; threads, by
 * the share of the time in which they wanted to run (and perhaps did). That
 * asks for no knowledge of the link's rate, and sees a bottleneck elsewhere on
 * the way, too. Processors that others keep busy are scarce for us as well. (By
 * how long our threads wait for their turn that can't be told: where many wake
 * at once they do so on a machine that is idle half of the time.)
 *
 * A round trip ends with an acknowledgement, which its sender delays, for up to
 * 40 ms, until he has something to say: so its mean also grows with how long a
 * busy peer takes to answer, or with that it has nothing to say, as after GO.
 * But then some take much longer than others, while the queue of a full link
 * lets none pass: so it is what nearly all of them take that tells of links.
 * (Seen with 4 nodes: on links without a limit the mean was 5 to 18 ms, busy or
 * idle, and this nothing, rarely 3; of 20 Mbit/s, full, it is 7 to 15.)
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
	/* `sevenfold bench handoff` has where the two cost both nodes the same
	 * CPU: 547 KB when last seen. It is less here, since the first node is
	 * spared from some 10 KB on. */
	SCARCITY_CPU_BYTES = 192 * 1024,
	SCARCITY_LINK_BYTES = 256,
	SCARCITY_BOTH_BYTES = 16 * 1024,
};

/* How much longer round trips take than the shortest did. */
struct wait {
	double mean_us;
	double least_us; /* nearly all of them; >= 0 */
};

struct scarcity {
	bool link, cpu;
	struct wait wait;  /* smoothed, */
	double busy, used; /* as these */
};

/* One more look at each. busy: the share of the time in which each thread ran,
 * or wanted to; used: that in which the machine's processors ran anything. Both
 * from 0 to 1. */
void scarcity_look_at_links(struct scarcity *s, struct wait w);
void scarcity_look_at_processors(struct scarcity *s, double busy, double used);
uint64_t scarcity_threshold(const struct scarcity *s);

/* How much more a node has to do than is counted, as a share of what each has,
 * going by how long packets wait there and at all nodes in the mean; below 0:
 * less. On links that are full all of the time work can't be seen otherwise:
 * nodes send as much as they can. */
double scarcity_excess(double wait_ms, double mean_ms);
