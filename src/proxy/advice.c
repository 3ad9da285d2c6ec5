#include "proxy/advice.h"

enum { LOG_BITS = 5, LOG_SHIFT = 4 }; /* from 16 bytes to 32 GB */

static uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~((1u << LOG_BITS) - 1);
}

/* Rounded down. */
static uint32_t
log_of(uint64_t bytes)
{
	uint32_t n = 0;

	for (bytes >>= LOG_SHIFT; bytes > 1 && n < (1u << LOG_BITS) - 1; n++)
		bytes >>= 1;
	return n;
}

void
advice_learn(struct advice *a, uint64_t hash, uint64_t bytes)
{
	a->sizes[hash % ADVICE_SIZES] = tag_of(hash) | log_of(bytes);
}

bool
advice_is_large(const struct advice *a, uint64_t hash, uint64_t threshold_bytes)
{
	uint32_t seen = a->sizes[hash % ADVICE_SIZES];
	uint32_t size_log = seen & ((1u << LOG_BITS) - 1);

	/* Nothing remembered looks like next to nothing. */
	return (seen & ~((1u << LOG_BITS) - 1)) == tag_of(hash) &&
		size_log > 0 &&
		UINT64_C(1) << (size_log + LOG_SHIFT) >= threshold_bytes;
}
