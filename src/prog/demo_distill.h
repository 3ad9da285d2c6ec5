#pragma once
/*
 * What the demo says about distilling: a client on a thin link gets each of the
 * site's pictures, twice.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct demo_facts;
struct tree;

/* As the client saw it. */
struct demo_distilled {
	unsigned pictures; /* that it asked for */
	unsigned wrong; /* of these, not 200, or another one the second time */
	uint64_t before_bytes, after_bytes;
};

/* In the client's namespace. 0 or negative errno. */
int demo_distill_visit(const struct tree *tree, struct demo_distilled *out);
/* A line about it, and whether it is true: f are the nodes' counters then. */
bool demo_distill_claim(const struct demo_facts *f,
	const struct demo_distilled *d, bool colour, struct buf *out);
