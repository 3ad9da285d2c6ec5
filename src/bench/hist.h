#pragma once
/*
 * struct hist: a log-linear histogram of non-negative integers (nanoseconds,
 * bytes). Values below 64 are exact; above, each power of two is cut into 32
 * equal buckets, so a quantile is at most 1/32 too high and never too low.
 * All zero is a valid empty histogram.
 */
#include <stdint.h>

enum { HIST_SUB_BITS = 5, HIST_SUBS = 1 << HIST_SUB_BITS };
enum { HIST_EXACT = 2 * HIST_SUBS }; /* values below it */
enum { HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) * HIST_SUBS };

struct hist {
	uint64_t n;
	uint64_t max;
	uint64_t sum; /* of all values, exact */
	uint64_t count[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t value);
/* The value that a share q (0..1) of all values does not exceed: the upper end
 * of its bucket, at most max. 0 when empty. */
uint64_t hist_quantile(const struct hist *h, double q);
/* The mean of all values; 0 when empty. */
double hist_mean(const struct hist *h);
