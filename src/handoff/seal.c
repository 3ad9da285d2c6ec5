#include "handoff/seal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum { KEY_BYTES = 32, NONCE_BYTES = 12, HASH_BYTES = 32 };

struct seal {
	EVP_CIPHER_CTX *ctx; /* owned; has the key */
	uint64_t n;	     /* the number of the next message */
};

/* HKDF-SHA256, salted with both greetings, for that purpose. */
static int
derive_with(EVP_KDF_CTX *ctx, const struct seal_context *c, struct str salt,
	const char *purpose, char *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
			(void *)(uintptr_t)c->secret.p, c->secret.n),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.p, salt.n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
			(void *)(uintptr_t)purpose, strlen(purpose)),
		OSSL_PARAM_construct_end(),
	};

	return EVP_KDF_derive(ctx, (unsigned char *)key, KEY_BYTES, params) > 0
		? 0
		: -EIO;
}

static int
derive(const struct seal_context *c, const char *purpose, char *key)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	struct buf salt = {0};
	int r = -EIO;

	buf_str(&salt, c->dialler);
	buf_append(&salt, "", 1); /* which is in neither */
	buf_str(&salt, c->acceptor);
	if (ctx)
		r = derive_with(ctx, c, buf_view(&salt), purpose, key);
	buf_fini(&salt);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return r;
}

struct seal *
seal_new(const struct seal_context *c, bool from_dialler)
{
	struct seal *s = NEW(struct seal);
	const char *purpose = from_dialler ? "sevenfold channel 2 dialler"
					   : "sevenfold channel 2 acceptor";
	char key[KEY_BYTES];
	int fine;

	s->ctx = EVP_CIPHER_CTX_new();
	fine = s->ctx && derive(c, purpose, key) == 0 &&
		EVP_CipherInit_ex(s->ctx, EVP_aes_256_gcm(), NULL,
			(const unsigned char *)key, NULL, 1) > 0;
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

/* The next message, from end to end but for its tag. */
static bool
run(struct seal *s, int sealing, char *text, size_t n)
{
	uint8_t nonce[NONCE_BYTES] = {0};
	uint64_t number = htobe64(s->n);
	int done;

	memcpy(nonce + 4, &number, sizeof(number));
	return EVP_CipherInit_ex(s->ctx, NULL, NULL, NULL, nonce, sealing) >
		0 &&
		EVP_CipherUpdate(s->ctx, (uint8_t *)text, &done,
			(const uint8_t *)text, (int)n) > 0;
}

int
seal_put(struct seal *s, char *text, size_t n, char tag[SEAL_BYTES])
{
	int rest;

	if (!run(s, 1, text, n) ||
		EVP_CipherFinal_ex(s->ctx, (uint8_t *)text + n, &rest) <= 0 ||
		EVP_CIPHER_CTX_ctrl(
			s->ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_BYTES, tag) <= 0)
		return -EIO;
	s->n++;
	return 0;
}

int
seal_open(struct seal *s, char *text, size_t n, const char tag[SEAL_BYTES])
{
	int rest;

	if (!run(s, 0, text, n) ||
		EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_BYTES,
			(void *)(uintptr_t)tag) <= 0 ||
		EVP_CipherFinal_ex(s->ctx, (uint8_t *)text + n, &rest) <= 0)
		return -EBADMSG;
	s->n++;
	return 0;
}

/* --- tickets -------------------------------------------------------------- */

int
tickets_make(const struct seal_context *c, struct tickets *out)
{
	struct seal_context open = *c;

	static_assert(sizeof(out->key) == KEY_BYTES, "a key");
	if (!c->secret.p)
		open.secret = STR("none");
	return derive(&open, "sevenfold channel 2 tickets", out->key);
}

uint64_t
ticket_of(const struct tickets *t, uint32_t number)
{
	uint32_t text = htonl(number);
	unsigned char hash[HASH_BYTES] = {0};
	uint64_t ticket;

	(void)HMAC(EVP_sha256(), t->key, sizeof(t->key),
		(const unsigned char *)&text, sizeof(text), hash, NULL);
	memcpy(&ticket, hash, sizeof(ticket));
	return be64toh(ticket);
}
