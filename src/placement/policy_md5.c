#include "placement/slots.h"

#include "placement/digest.h"

static void
rank(const struct place *p, struct str key, size_t most, struct ranking *out)
{
	unsigned char digest[16];
	uint64_t h = 0;

	digest_md5(key, digest);
	for (int i = 0; i < 8; i++)
		h = h << 8 | digest[i];
	slots_rank(&p->view, p->view.weight ? h % p->view.weight : 0, out);
}

const struct policy policy_md5 = {.name = "md5", .weights = true, .rank = rank};
