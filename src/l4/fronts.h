#pragma once
/*
 * The fronts of the rules: the addresses and ports at which packets for the
 * services arrive, or come back from NAT's servers. Flows go by their numbers,
 * which are their places in the packet program's table: a front keeps its own
 * for as long as it is wanted. For l4/compile.c.
 */
#include "l4/rules.h"

/* NULL: there is none. */
struct rules_front *fronts_find(
	struct rules *r, const struct rules_end *e, enum l4_front_kind kind);
/* Forgets fronts that the services want no more, and gives new ones a place.
 * -ENOSPC: there's none in a window. */
int fronts_place(struct rules *r);
/* Into one half of the table. */
void fronts_put(const struct rules *r, struct l4_front *half);
