#pragma once
/*
 * struct raster: pixels in memory, four bytes each, as libwebp has them: blue,
 * green, red, alpha, which the other libraries read and write as well. Beside
 * them what is kept of a file's metadata: the colour profile and, until
 * raster_turn(), how it wants to be turned.
 */
#include "distill/order.h"

#include <webp/encode.h>

struct raster {
	WebPPicture picture; /* owned: its argb, without gaps between rows */
	bool alpha;	     /* some pixel is not opaque, as far as we know */
	unsigned turn;	     /* EXIF's orientation, 1 to 8 */
	void *profile;	     /* ICC; owned, of malloc() */
	size_t profile_bytes;
};

/* False when there is not so much memory. */
bool raster_init(struct raster *r, unsigned width, unsigned height);
void raster_fini(struct raster *r); /* harmless when all zero */
/* As raster_init(); *out is all zero if false. */
bool raster_copy(const struct raster *r, struct raster *out);
/* Of one that has none; copies it. */
bool raster_set_profile(struct raster *r, const void *profile, size_t bytes);
/* False: it is of shades of gray, but pixels have three colours here, so that a
 * file with both would mean nothing. */
bool raster_profile_fits(const struct raster *r);
/* The size in which an image that shows as width x height is wanted. */
void raster_fit(const struct order *o, unsigned width, unsigned height,
	unsigned *fit_width, unsigned *fit_height);
/* Averages areas; never makes it larger. False as above. */
bool raster_shrink(struct raster *r, unsigned width, unsigned height);
/* Carries out and forgets its orientation. False as above. */
bool raster_turn(struct raster *r);
/* Finds out whether alpha is used at all. */
void raster_see_alpha(struct raster *r);
/* Large even areas: drawn, or text, and no photograph. */
bool raster_is_drawing(const struct raster *r);

static inline unsigned
raster_width(const struct raster *r)
{
	return (unsigned)r->picture.width;
}

static inline unsigned
raster_height(const struct raster *r)
{
	return (unsigned)r->picture.height;
}

static inline uint32_t *
raster_row(const struct raster *r, unsigned y)
{
	return r->picture.argb + (size_t)y * (size_t)r->picture.argb_stride;
}
