#pragma once
/*
 * Flows of a server that is down: established connections whose clients may be
 * waiting for the rest of an answer, and say nothing by themselves.
 */
#include "l4/image.h"

#include <stdbool.h>

struct orphan {
	union l4_addr client, vip;
	uint16_t client_port, vip_port; /* host order */
};

typedef void (*orphan_fn)(void *ctx, const struct orphan *o);

/* Calls fn for those that go to the server of that number by direct routing,
 * in n buckets of the flow table from `from` on. False: these were the last. */
bool orphans_find(struct l4_image *i, uint16_t server, uint32_t from,
	uint32_t n, orphan_fn fn, void *ctx);
