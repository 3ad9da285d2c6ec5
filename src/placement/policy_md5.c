#include "placement/place.h"

#include <openssl/evp.h>

#include "base/check.h"

static void
rank(const struct view *v, struct str key, _Atomic uint64_t *turn,
	struct ranking *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t h = 0;

	(void)turn;
	CHECK(EVP_Digest(key.p, key.n, digest, NULL, EVP_md5(), NULL));
	for (int i = 0; i < 8; i++)
		h = h << 8 | digest[i];
	for (out->n = 0; out->n < v->nnodes; out->n++)
		out->node[out->n] =
			(uint8_t)((h % v->nnodes + out->n) % v->nnodes);
}

const struct policy policy_md5 = {"md5", rank};
