#pragma once
/*
 * What the demo says about the cluster, each claim held against a source that
 * is independent of the one it is made from.
 */
#include "base/buf.h"

#include <stdbool.h>

struct demo_facts;

/* "true" or "UNTRUE", before a sentence. */
void demo_verdict(bool ok, bool colour, struct buf *out);
/* The table of nodes. */
void demo_table(const struct demo_facts *f, bool colour, struct buf *out);
/* A line per claim, and what is wrong with those that are untrue. Whether all
 * are true. */
bool demo_claims(const struct demo_facts *f, bool colour, struct buf *out);
