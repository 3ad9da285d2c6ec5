#pragma once
/*
 * What an image file says of itself in its first bytes. Nothing is decoded: a
 * few bytes that promise a billion pixels are refused by these.
 */
#include "distill/order.h"

struct sniff {
	enum image_type type;
	uint32_t width, height; /* as stored, before any turning */
	bool moving;		/* an animation that says so up front: of PNG
				   and WebP; of GIF only its frames tell */
};

/* False when it is no image that we know, or ends before its size. */
bool sniff(struct str in, struct sniff *out);

static inline uint64_t
sniff_pixels(const struct sniff *s)
{
	return (uint64_t)s->width * s->height;
}
