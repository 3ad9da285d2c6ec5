/* See codec.h. */
#include "distill/codec.h"

#ifndef HAVE_AVIF

bool
avif_can(void)
{
	return false;
}

bool
avif_write(const struct raster *r, unsigned quality, struct buf *out)
{
	(void)r;
	(void)quality;
	(void)out;
	return false;
}

#else

#include <avif/avif.h>

enum {
	SPEED = 8
}; /* 10 is twice as fast and 8 % larger; 6, four times slower
      for 3 % */

bool
avif_can(void)
{
	return avifCodecName(
		AVIF_CODEC_CHOICE_AUTO, AVIF_CODEC_FLAG_CAN_ENCODE);
}

static bool
fill(avifImage *image, const struct raster *r)
{
	avifRGBImage rgb;

	avifRGBImageSetDefaults(&rgb, image);
	rgb.format = AVIF_RGB_FORMAT_BGRA;
	rgb.ignoreAlpha = !r->alpha;
	rgb.pixels = (uint8_t *)r->picture.argb;
	rgb.rowBytes = 4 * (uint32_t)r->picture.argb_stride;
	if (r->profile)
		avifImageSetProfileICC(image, r->profile, r->profile_bytes);
	return avifImageRGBToYUV(image, &rgb) == AVIF_RESULT_OK;
}

/* Looks like a JPEG of that quality. */
static int
quantizer_of(unsigned quality)
{
	return (int)(100 - quality) * 9 / 10;
}

bool
avif_write(const struct raster *r, unsigned quality, struct buf *out)
{
	avifImage *image = avifImageCreate(r->picture.width, r->picture.height,
		8, AVIF_PIXEL_FORMAT_YUV420);
	avifEncoder *encoder = avifEncoderCreate();
	avifRWData data = AVIF_DATA_EMPTY;
	bool done = false;

	if (image && encoder && fill(image, r)) {
		encoder->maxThreads = 1;
		encoder->speed = SPEED;
		encoder->minQuantizer = encoder->maxQuantizer =
			quantizer_of(quality);
		done = avifEncoderWrite(encoder, image, &data) ==
			AVIF_RESULT_OK;
	}
	if (done)
		buf_append(out, data.data, data.size);
	avifRWDataFree(&data);
	if (encoder)
		avifEncoderDestroy(encoder);
	if (image)
		avifImageDestroy(image);
	return done;
}

#endif
