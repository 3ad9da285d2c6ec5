#pragma once
/* Time. Monotonic for intervals, wall for HTTP dates and freshness. */
#include <stdint.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static inline uint64_t
clock_mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline int64_t
clock_wall_s(void)
{
	return (int64_t)time(NULL);
}
