#include "handoff/proof.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HASH_BYTES = 32 };

/* The purpose ends with a byte that is in none. */
static int
make(struct str secret, struct str purpose, struct str text,
	char out[PROOF_BYTES])
{
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
	memcpy(out, hash, PROOF_BYTES);
	return 0;
}

static void
write_hex(const char proof[PROOF_BYTES], char out[PROOF_CHARS])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < PROOF_BYTES; i++) {
		out[2 * i] = digits[(uint8_t)proof[i] >> 4];
		out[2 * i + 1] = digits[proof[i] & 15];
	}
}

static int
put(struct str secret, struct str purpose, bool hex, struct buf *text)
{
	char proof[PROOF_BYTES], chars[PROOF_CHARS];
	int r = make(secret, purpose, buf_view(text), proof);

	if (r < 0)
		return r;
	write_hex(proof, chars);
	if (hex)
		buf_append(text, chars, sizeof(chars));
	else
		buf_append(text, proof, sizeof(proof));
	return 0;
}

static bool
take(struct str secret, struct str purpose, bool hex, struct str *text)
{
	char proof[PROOF_BYTES], chars[PROOF_CHARS];
	size_t n = hex ? PROOF_CHARS : PROOF_BYTES;
	struct str said;

	if (text->n < n)
		return false;
	said = str_of(text->p, text->n - n);
	if (make(secret, purpose, said, proof) < 0)
		return false;
	write_hex(proof, chars);
	if (CRYPTO_memcmp(hex ? chars : proof, said.p + said.n, n) != 0)
		return false;
	*text = said;
	return true;
}

int
proof_put(struct str secret, struct str purpose, struct buf *text)
{
	return put(secret, purpose, true, text);
}

bool
proof_take(struct str secret, struct str purpose, struct str *text)
{
	return take(secret, purpose, true, text);
}

int
proof_put_bytes(struct str secret, struct str purpose, struct buf *text)
{
	return put(secret, purpose, false, text);
}

bool
proof_take_bytes(struct str secret, struct str purpose, struct str *text)
{
	return take(secret, purpose, false, text);
}
