#pragma once
/*
 * A crowd: clients that ask for objects whose popularity is Zipf's
 * (bench/zipf.h); and, from some moment on, for one that nobody has asked for
 * before, in half of all requests (a flash crowd).
 *
 * Objects are /o/0, /o/1, ..., by popularity, and /flash.
 */
#include "bench/catalog.h"
#include "bench/play.h"
#include "bench/zipf.h"

struct crowd {
	struct catalog catalog;
	struct zipf zipf;
	struct rng dice; /* which of the requests are for the new one */
	uint64_t flash_at_ns;
};

/* bytes: of each object; CATALOG_ANY_BYTES: whatever it has. To be freed. */
void crowd_init(struct crowd *c, size_t objects, double alpha, uint64_t bytes,
	uint64_t seed);
void crowd_fini(struct crowd *c);
/* After that time, half of all requests are for /flash. */
void crowd_flash(struct crowd *c, uint64_t after_ns);

/* A play's order, without end. */
bool crowd_order(void *crowd, unsigned client, struct play_step *out);
