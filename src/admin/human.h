#pragma once
/*
 * Quantities as a person reads them, in at most 7 characters, but durations:
 * struct human is passed by value, as in printf("%s", human_bytes(n).z).
 */
#include <stdint.h>

struct human {
	char z[64];
};

/* "999B", "1.5K", "12.3M": binary units, as in the configuration */
struct human human_bytes(uint64_t n);
/* "999,999", then "1.0M", "12.3M": decimal units */
struct human human_count(uint64_t n);
/* "99.9%", "100%"; "-" of nothing. Only the whole is 100%, only nothing 0%. */
struct human human_share(uint64_t part, uint64_t whole);
/* "850 ms", "12 s", "3 min 5 s", "2 h 5 min", "3 d 4 h" */
struct human human_duration(double s);
