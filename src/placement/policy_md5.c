#include "placement/slots.h"

#include "placement/digest.h"

static uint64_t
digest(struct str key)
{
	unsigned char md5[16];
	uint64_t d = 0;

	digest_md5(key, md5);
	for (int i = 0; i < 8; i++)
		d = d << 8 | md5[i];
	return d;
}

static void
rank(const struct place *p, uint64_t digest, size_t most, struct ranking *out)
{
	slots_rank(&p->view, p->view.weight ? digest % p->view.weight : 0, out);
}

const struct policy policy_md5 = {
	.name = "md5", .weights = true, .digest = digest, .rank = rank};
