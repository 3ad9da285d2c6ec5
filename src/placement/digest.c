#include "placement/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

/* Fetching the algorithm by its name costs more than the digest, and a context
 * of its own half of it: each thread has one. */
static EVP_MD_CTX *
context(void)
{
	static _Thread_local EVP_MD_CTX *ctx;

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	return ctx;
}

void
digest_md5(struct str s, unsigned char out[16])
{
	EVP_MD_CTX *ctx = context();

	CHECK(ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) &&
		EVP_DigestUpdate(ctx, s.p, s.n) &&
		EVP_DigestFinal_ex(ctx, out, NULL));
}
