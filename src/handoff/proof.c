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

static size_t
length_of(enum proof_form form)
{
	return form == PROOF_HEX ? PROOF_CHARS : PROOF_BYTES;
}

static void
write_as(enum proof_form form, const char proof[PROOF_BYTES],
	char out[PROOF_CHARS])
{
	if (form == PROOF_HEX)
		write_hex(proof, out);
	else
		memcpy(out, proof, PROOF_BYTES);
}

int
proof_put(struct str secret, struct str purpose, enum proof_form form,
	struct buf *text)
{
	char proof[PROOF_BYTES], written[PROOF_CHARS];
	int r = make(secret, purpose, buf_view(text), proof);

	if (r < 0)
		return r;
	write_as(form, proof, written);
	buf_append(text, written, length_of(form));
	return 0;
}

bool
proof_take(struct str secret, struct str purpose, enum proof_form form,
	struct str *text)
{
	char proof[PROOF_BYTES], written[PROOF_CHARS];
	size_t n = length_of(form);
	struct str said;

	if (text->n < n)
		return false;
	said = str_of(text->p, text->n - n);
	if (make(secret, purpose, said, proof) < 0)
		return false;
	write_as(form, proof, written);
	if (CRYPTO_memcmp(written, said.p + said.n, n) != 0)
		return false;
	*text = said;
	return true;
}
