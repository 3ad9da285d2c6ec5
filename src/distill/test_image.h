#pragma once
/* Images for unit tests, made here by our own writers, so that nothing lies
 * about. */
#include "distill/codec.h"
#include "distill/distill.h"
#include "distill/sniff.h"
#include "http/test_head.h"

#include <stdlib.h>

enum { W = 200, H = 120 };

/* Smooth, with grain: a photograph. */
static inline void
photograph(struct raster *r, bool alpha)
{
	uint32_t random = 1;

	assert_true(raster_init(r, W, H));
	r->alpha = alpha;
	for (unsigned y = 0; y < H; y++)
		for (unsigned x = 0; x < W; x++) {
			uint32_t grain;

			random = random * 1664525 + 1013904223;
			grain = random >> 28;
			raster_row(r, y)[x] =
				(alpha && x < 50 ? 0x80000000 : 0xff000000) |
				(x + grain) << 16 | (y + grain) << 8 |
				(255 - x + grain / 4);
		}
}

static inline void
drawing(struct raster *r)
{
	assert_true(raster_init(r, W, H));
	for (unsigned y = 0; y < H; y++)
		for (unsigned x = 0; x < W; x++)
			raster_row(r, y)[x] = 0xff000000 |
				(x / 40 * 7919 + y / 13 * 104729) % 0xffffff;
}

static inline struct str
jpeg_of(struct buf *b, unsigned quality)
{
	struct raster r;

	photograph(&r, false);
	assert_true(jpeg_write(&r, quality, b));
	raster_fini(&r);
	return buf_view(b);
}

static inline enum result
run(struct order o, struct str in, struct distilled *out)
{
	o.magic = ORDER_MAGIC;
	o.bytes = (uint32_t)in.n;
	o.quality = o.quality ? o.quality : 60;
	return distill(&o, in, out);
}

static inline void
check_size(const struct distilled *d, enum image_type type, unsigned width,
	unsigned height)
{
	struct sniff s;

	assert_int_equal(d->type, type);
	if (type == TYPE_AVIF)
		return;
	assert_true(sniff(buf_view(&d->bytes), &s));
	assert_int_equal(s.type, type);
	assert_int_equal(s.width, width);
	assert_int_equal(s.height, height);
}
