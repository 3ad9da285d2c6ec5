#include "distill/text.h"

#include <brotli/encode.h>
#include <libdeflate.h>
#include <zstd.h>

/* The work is done once and the result sent often, so these are near the best
 * that each can do: at 1 MB/s or more. */
enum { GZIP_LEVEL = 9, ZSTD_LEVEL = 17, BR_QUALITY = 9 };

/* Each fills room of at most n bytes and says how many; 0: it can't. */
static size_t
gzip(struct str in, char *room, size_t n)
{
	struct libdeflate_compressor *c =
		libdeflate_alloc_compressor(GZIP_LEVEL);
	size_t done = 0;

	if (c)
		done = libdeflate_gzip_compress(c, in.p, in.n, room, n);
	libdeflate_free_compressor(c);
	return done;
}

static size_t
zstd(struct str in, char *room, size_t n)
{
	size_t done = ZSTD_compress(room, n, in.p, in.n, ZSTD_LEVEL);

	return ZSTD_isError(done) ? 0 : done;
}

static size_t
br(struct str in, char *room, size_t n)
{
	size_t done = n;

	return BrotliEncoderCompress(BR_QUALITY, BROTLI_DEFAULT_WINDOW,
		       BROTLI_MODE_TEXT, in.n, (const uint8_t *)in.p, &done,
		       (uint8_t *)room)
		? done
		: 0;
}

static const struct {
	const char *name;
	size_t (*compress)(struct str in, char *room, size_t n);
} codings[CODINGS] = {
	[CODING_NONE] = {"identity", NULL},
	[CODING_GZIP] = {"gzip", gzip},
	[CODING_ZSTD] = {"zstd", zstd},
	[CODING_BR] = {"br", br},
};

bool
text_compress(struct str in, enum coding coding, struct buf *out)
{
	char *room = buf_reserve(out, in.n);
	size_t n = codings[coding].compress(in, room, in.n);

	buf_commit(out, n);
	return n;
}

const char *
coding_name(enum coding c)
{
	return codings[c].name;
}
