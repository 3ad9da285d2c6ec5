#pragma once
/*
 * The arithmetic of CARP v1.0 (draft-vinod-carp-v1-03, 3.1 to 3.4): all numbers
 * are 32 bits and wrap. After the XOR only monotone steps mix, so scores of
 * members are correlated: with 16 equal ones the largest share of keys is 1.3
 * times the mean, where hrw has 1.02.
 */
#include "base/str.h"

uint32_t carp_hash_url(struct str url);
uint32_t carp_hash_member(struct str name);
uint32_t carp_combine(uint32_t url, uint32_t member);
/* Multipliers for n members of those loads (any unit), n >= 1, in any order. */
void carp_multipliers(const double *loads, size_t n, double *out);
