#include "handoff/proof.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HASH_BYTES = 32 };

/* The purpose ends with a byte that is in none. */
static int
make(struct str secret, struct str purpose, struct str text,
	char out[PROOF_CHARS])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[HASH_BYTES];
	struct buf all = {0};
	unsigned n = 0;
	bool fine;

	buf_str(&all, purpose);
	buf_append(&all, "", 1);
	buf_str(&all, text);
	fine = HMAC(EVP_sha256(), secret.p, (int)secret.n,
		(const unsigned char *)buf_head(&all), buf_len(&all), hash, &n);
	buf_fini(&all);
	if (!fine || n != HASH_BYTES)
		return -EIO;
	for (int i = 0; i < PROOF_CHARS; i++)
		out[i] = digits[i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4];
	return 0;
}

int
proof_put(struct str secret, struct str purpose, struct buf *text)
{
	char proof[PROOF_CHARS];
	int r = make(secret, purpose, buf_view(text), proof);

	if (r == 0)
		buf_append(text, proof, sizeof(proof));
	return r;
}

bool
proof_take(struct str secret, struct str purpose, struct str *text)
{
	char proof[PROOF_CHARS];
	struct str said;

	if (text->n < PROOF_CHARS)
		return false;
	said = str_of(text->p, text->n - PROOF_CHARS);
	if (make(secret, purpose, said, proof) < 0 ||
		CRYPTO_memcmp(proof, said.p + said.n, PROOF_CHARS) != 0)
		return false;
	*text = said;
	return true;
}
