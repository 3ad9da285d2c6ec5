#pragma once
/*
 * Random numbers that a seed repeats: splitmix64 (G. Steele, D. Lea, C. Flood,
 * Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). Any seed is as
 * good as another. Not for secrets.
 */
#include <stdint.h>

struct rng {
	uint64_t state; /* the seed */
};

#define RNG_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t
rng_u64(struct rng *r)
{
	uint64_t z = r->state += RNG_STEP;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What rng_u64() gives after k others, from the seed on. */
static inline uint64_t
rng_at(uint64_t seed, uint64_t k)
{
	struct rng r = {seed + k * RNG_STEP};

	return rng_u64(&r);
}

/* above 0, below 1 */
static inline double
rng_unit(struct rng *r)
{
	return ((double)(rng_u64(r) >> 12) + 0.5) / (double)(UINT64_C(1) << 52);
}

/* 0..n-1; n is far below 2^32, so the bias is nothing */
static inline uint64_t
rng_below(struct rng *r, uint64_t n)
{
	return rng_u64(r) % n;
}
