#pragma once
/*
 * struct census: what a node tells the balancer of the cluster: its roster, and
 * which members it finds down. As text: a line "down NAME" for each of these,
 * an empty line, and the roster's lines (roster.h).
 */
#include "placement/roster.h"

struct census {
	struct roster roster;
	bool down[VIEW_MAX_NODES]; /* by index in the roster */
};

void census_put(const struct census *c, struct buf *out);
/* False when it makes no sense; *out is untouched then. */
bool census_parse(struct str text, struct census *out);
