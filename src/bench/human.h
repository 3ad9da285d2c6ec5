#pragma once
/* Numbers as people read them: printf("%s", human_count(30969).z). */
#include <stdint.h>

struct human {
	char z[32];
};

struct human human_count(uint64_t n); /* "30,969" */
struct human human_bytes(uint64_t n); /* "999 B", "1.7 kB", "51.2 MB" */
struct human human_time(uint64_t ns); /* "0.4 ms", "12 ms", "3.21 s" */
