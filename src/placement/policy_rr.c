#include "placement/slots.h"

static void
rank(const struct place *p, uint64_t digest, size_t most, struct ranking *out)
{
	uint64_t t =
		atomic_fetch_add_explicit(p->turn, 1, memory_order_relaxed);

	slots_rank(&p->view, p->view.weight ? t % p->view.weight : 0, out);
}

const struct policy policy_rr = {
	.name = "rr", .weights = true, .turns = true, .rank = rank};
