/*
 * What peers say of who is in the cluster (placement/roster.h): what is taken
 * is written as it was read, and merging it is idempotent.
 */
#include <stdlib.h>

#include "base/check.h"
#include "placement/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct roster r, again, into = {0};
	struct buf text = {0};
	struct view v;
	bool lacking;

	if (!roster_parse(str_of((const char *)data, size), &r))
		return 0;
	roster_put(&r, &text);
	CHECK(roster_parse(buf_view(&text), &again));
	CHECK(again.n == r.n && roster_number(&r) == roster_number(&again));
	CHECK(roster_merge(&into, &r, &lacking) == ROSTER_NEWS);
	CHECK(roster_merge(&into, &r, &lacking) == ROSTER_SAME && !lacking);
	roster_view(&into, &v);
	CHECK(v.nnodes == r.n);
	buf_fini(&text);
	return 0;
}
