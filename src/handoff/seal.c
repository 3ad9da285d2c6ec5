#include "handoff/seal.h"

#include <endian.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"

enum { KEY_BYTES = 32, NONCE_BYTES = 12 };

struct seal {
	EVP_CIPHER_CTX *ctx; /* owned; has the key */
	uint64_t n;	     /* the number of the next message */
};

/* HKDF-SHA256: salted with what both made up, bound to who they are. */
static int
derive(const struct seal_context *c, bool from_dialler, uint8_t *key)
{
	uint64_t salt[2] = {htobe64(c->dialler_key), htobe64(c->acceptor_key)};
	own_free char *info = xasprintf("sevenfold handoff 1 %s %s %s %s",
		c->cluster, c->dialler, c->acceptor,
		from_dialler ? "dialler" : "acceptor");
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
			(void *)(uintptr_t)c->secret.p, c->secret.n),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, info, strlen(info)),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int r = ctx && EVP_KDF_derive(ctx, key, KEY_BYTES, params) > 0 ? 0
								       : -EIO;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return r;
}

struct seal *
seal_new(const struct seal_context *c, bool from_dialler)
{
	struct seal *s = NEW(struct seal);
	uint8_t key[KEY_BYTES];
	int fine;

	s->ctx = EVP_CIPHER_CTX_new();
	fine = s->ctx && derive(c, from_dialler, key) == 0 &&
		EVP_CipherInit_ex(
			s->ctx, EVP_aes_256_gcm(), NULL, key, NULL, 1) > 0;
	OPENSSL_cleanse(key, sizeof(key));
	if (!fine) {
		seal_free(s);
		return NULL;
	}
	return s;
}

void
seal_free(struct seal *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->ctx);
	free(s);
}

/* Begins the next message. */
static bool
begin(struct seal *s, struct str about, int sealing)
{
	uint8_t nonce[NONCE_BYTES] = {0};
	uint64_t n = htobe64(s->n);
	int done;

	memcpy(nonce + 4, &n, sizeof(n));
	return EVP_CipherInit_ex(s->ctx, NULL, NULL, NULL, nonce, sealing) >
		0 &&
		EVP_CipherUpdate(s->ctx, NULL, &done, (const uint8_t *)about.p,
			(int)about.n) > 0;
}

int
seal_put(struct seal *s, struct str about, struct str text, struct buf *out)
{
	uint8_t *at = (uint8_t *)buf_reserve(out, text.n + SEAL_BYTES);
	int n = 0, rest = 0;

	if (!begin(s, about, 1) ||
		EVP_EncryptUpdate(s->ctx, at, &n, (const uint8_t *)text.p,
			(int)text.n) <= 0 ||
		EVP_EncryptFinal_ex(s->ctx, at + n, &rest) <= 0 ||
		EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_BYTES,
			at + text.n) <= 0)
		return -EIO;
	s->n++;
	buf_commit(out, text.n + SEAL_BYTES);
	return 0;
}

int
seal_open(struct seal *s, struct str about, struct str sealed, struct buf *out)
{
	uint8_t tag[SEAL_BYTES], *at;
	int n = 0, rest = 0;
	size_t bytes;

	if (sealed.n < SEAL_BYTES)
		return -EBADMSG;
	bytes = sealed.n - SEAL_BYTES;
	memcpy(tag, sealed.p + bytes, SEAL_BYTES);
	at = (uint8_t *)buf_reserve(out, bytes + 1);
	if (!begin(s, about, 0) ||
		EVP_DecryptUpdate(s->ctx, at, &n, (const uint8_t *)sealed.p,
			(int)bytes) <= 0 ||
		EVP_CIPHER_CTX_ctrl(
			s->ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_BYTES, tag) <= 0 ||
		EVP_DecryptFinal_ex(s->ctx, at + n, &rest) <= 0)
		return -EBADMSG;
	s->n++;
	buf_commit(out, bytes);
	return 0;
}
