#pragma once
/*
 * struct advice: when is moving a connection worth it? A worker's own: what it
 * remembers of the sizes of answers that came from other nodes. Pure.
 *
 * Moving costs some tens of microseconds of CPU, at both nodes together, and
 * nothing per byte; passing the answer on costs CPU for each byte, and the
 * node's link for each byte. So from some size on it is worth it, which is the
 * smaller the scarcer the link is (see scarcity.h); and below that for a client
 * who has asked for several things of one owner in a row, since what he asks
 * for next is likely that owner's, too, and then costs nothing.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	ADVICE_SIZES = 4096,
	ADVICE_STREAK = 2, /* requests to one owner, and the next one moves */
};

struct advice {
	uint32_t sizes[ADVICE_SIZES]; /* by the key's hash: 27 bits of it, and
					 the size's logarithm */
};

/* hash: of the key; bytes: of the answer's body. */
void advice_learn(struct advice *a, uint64_t hash, uint64_t bytes);
/* Was it that large when it was last seen? */
bool advice_is_large(
	const struct advice *a, uint64_t hash, uint64_t threshold_bytes);
