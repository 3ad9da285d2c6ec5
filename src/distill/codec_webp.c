#include "distill/codec.h"

#include <stdlib.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/mux.h>

#include "base/mem.h"

static unsigned
orientation(const WebPDemuxer *d)
{
	WebPChunkIterator i;
	unsigned turn = 1;

	if (WebPDemuxGetChunk(d, "EXIF", 1, &i)) {
		struct str s =
			str_of((const char *)i.chunk.bytes, i.chunk.size);
		const struct str mark = STR("Exif\0\0");

		if (str_starts(s, mark))
			s = str_of(s.p + mark.n, s.n - mark.n);
		turn = exif_orientation(s);
	}
	WebPDemuxReleaseChunkIterator(&i);
	return turn;
}

static void
take_profile(const WebPDemuxer *d, struct raster *r)
{
	WebPChunkIterator i;

	if (WebPDemuxGetChunk(d, "ICCP", 1, &i))
		(void)raster_set_profile(r, i.chunk.bytes, i.chunk.size);
	WebPDemuxReleaseChunkIterator(&i);
}

static bool
take_metadata(struct str in, struct raster *r)
{
	WebPData data = {(const uint8_t *)in.p, in.n};
	WebPDemuxer *d = WebPDemux(&data);

	if (!d)
		return false;
	r->turn = orientation(d);
	take_profile(d, r);
	WebPDemuxDelete(d);
	return true;
}

enum result
webp_read(struct str in, struct raster *out)
{
	const uint8_t *bytes = (const uint8_t *)in.p;
	WebPBitstreamFeatures features;
	struct raster r;

	if (WebPGetFeatures(bytes, in.n, &features) != VP8_STATUS_OK ||
		features.has_animation)
		return RESULT_BROKEN;
	if ((uint64_t)features.width * (uint64_t)features.height >
		ORDER_PIXELS_MAX)
		return RESULT_TOO_LARGE;
	if (!raster_init(
		    &r, (unsigned)features.width, (unsigned)features.height)) {
		raster_fini(&r);
		return RESULT_FAILED;
	}
	if (!WebPDecodeBGRAInto(bytes, in.n, (uint8_t *)r.picture.argb,
		    4 * (size_t)r.picture.argb_stride * raster_height(&r),
		    4 * r.picture.argb_stride) ||
		!take_metadata(in, &r)) {
		raster_fini(&r);
		return RESULT_BROKEN;
	}
	if (features.has_alpha)
		raster_see_alpha(&r);
	*out = r;
	return RESULT_DONE;
}

/* --- writing -------------------------------------------------------------- */

bool
webp_fits(unsigned width, unsigned height)
{
	return width <= WEBP_MAX_DIMENSION && height <= WEBP_MAX_DIMENSION;
}

/* loops: how often; 0: for ever. */
static bool
set_loops(WebPMux *mux, unsigned loops)
{
	WebPMuxAnimParams params;

	switch (WebPMuxGetAnimationParams(mux, &params)) {
	case WEBP_MUX_OK: break;
	/* It stands still, perhaps for its frames were all alike. */
	case WEBP_MUX_NOT_FOUND: return true;
	default: return false;
	}
	params.loop_count = (int)loops;
	return WebPMuxSetAnimationParams(mux, &params) == WEBP_MUX_OK;
}

static bool
set_profile(WebPMux *mux, const struct raster *r)
{
	const WebPData profile = {r->profile, r->profile_bytes};

	return !r->profile ||
		WebPMuxSetChunk(mux, "ICCP", &profile, 0) == WEBP_MUX_OK;
}

/* These need a container around what is there. */
bool
webp_wrap(struct str bare, unsigned loops, const struct raster *r,
	struct buf *out)
{
	const WebPData data = {(const uint8_t *)bare.p, bare.n};
	WebPData whole = {NULL, 0};
	WebPMux *mux = WebPMuxCreate(&data, 0);
	bool done = mux && set_loops(mux, loops) && set_profile(mux, r) &&
		WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK;

	if (done)
		buf_append(out, whole.bytes, whole.size);
	WebPDataClear(&whole);
	WebPMuxDelete(mux);
	return done;
}

static bool
configure(unsigned quality, bool drawing, WebPConfig *c)
{
	if (!WebPConfigInit(c))
		return false;
	if (drawing)
		return WebPConfigLosslessPreset(c, 4) && WebPValidateConfig(c);
	c->quality = (float)quality;
	c->alpha_quality = 90;
	return WebPValidateConfig(c);
}

bool
webp_write(
	const struct raster *r, unsigned quality, bool drawing, struct buf *out)
{
	/* Borrows the pixels; what it makes of them is its own. */
	WebPPicture picture = r->picture;
	WebPMemoryWriter writer;
	WebPConfig config;
	bool done;

	if (!webp_fits(raster_width(r), raster_height(r)) ||
		!configure(quality, drawing, &config))
		return false;
	if (!WebPPictureView(&r->picture, 0, 0, r->picture.width,
		    r->picture.height, &picture))
		return false;
	WebPMemoryWriterInit(&writer);
	picture.writer = WebPMemoryWrite;
	picture.custom_ptr = &writer;
	done = WebPEncode(&config, &picture);
	if (done && r->profile)
		done = webp_wrap(str_of((const char *)writer.mem, writer.size),
			0, r, out);
	else if (done)
		buf_append(out, writer.mem, writer.size);
	WebPMemoryWriterClear(&writer);
	WebPPictureFree(&picture);
	return done;
}

/* --- that move ------------------------------------------------------------ */

struct frames {
	WebPAnimDecoder *decoder; /* owned */
	WebPAnimInfo info;
	struct raster now; /* its pixels are the decoder's */
};

struct frames *
webp_open(struct str in)
{
	WebPData data = {(const uint8_t *)in.p, in.n};
	struct frames *f = NEW(struct frames);
	WebPAnimDecoderOptions options;

	if (WebPAnimDecoderOptionsInit(&options)) {
		options.color_mode = MODE_BGRA;
		options.use_threads = 0;
		f->decoder = WebPAnimDecoderNew(&data, &options);
	}
	if (!f->decoder || !WebPAnimDecoderGetInfo(f->decoder, &f->info) ||
		!WebPPictureInit(&f->now.picture) ||
		!take_metadata(in, &f->now)) {
		webp_close(f);
		return NULL;
	}
	f->now.alpha = true;
	f->now.picture.use_argb = 1;
	f->now.picture.width = (int)f->info.canvas_width;
	f->now.picture.height = (int)f->info.canvas_height;
	f->now.picture.argb_stride = f->now.picture.width;
	return f;
}

void
webp_close(struct frames *f)
{
	if (!f)
		return;
	WebPAnimDecoderDelete(f->decoder);
	free(f->now.profile);
	free(f);
}

int
webp_next(struct frames *f, const struct raster **out, int *ends_at_ms)
{
	uint8_t *pixels;

	if (!WebPAnimDecoderHasMoreFrames(f->decoder))
		return 0;
	if (!WebPAnimDecoderGetNext(f->decoder, &pixels, ends_at_ms))
		return -1;
	f->now.picture.argb = (uint32_t *)pixels;
	*out = &f->now;
	return 1;
}

unsigned
webp_loops(const struct frames *f)
{
	return f->info.loop_count;
}
