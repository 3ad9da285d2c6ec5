#pragma once
/*
 * struct pace: how fast a client moves bytes in the time in which it is the
 * one who is waited for. Time spent waiting for others does not count.
 */
#include <stdbool.h>
#include <stdint.h>

enum { PACE_WINDOW_S = 3 }; /* a slower moment within it is forgiven */

/* All zero at the start. */
struct pace {
	uint64_t since_ns; /* of this wait; 0: it is not waited for */
	uint64_t waited_ns, bytes;
};

/* It is waited for from now on, if it was not yet. */
void pace_wait(struct pace *p, uint64_t now_ns);
/* It moved n bytes, and is not waited for any more. */
void pace_moved(struct pace *p, uint64_t now_ns, uint64_t n);
/* Fewer bytes a second than min_rate (0: any will do), over a window's time of
 * waiting? If it was fast enough, the next window begins. */
bool pace_is_slow(struct pace *p, uint64_t now_ns, unsigned min_rate);
