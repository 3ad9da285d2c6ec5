#include "distill/distill.h"

#include <webp/mux.h>

#include "distill/codec.h"
#include "distill/sniff.h"
#include "distill/text.h"

/* --- pictures that stand still -------------------------------------------- */

/* What suits it best of what the client takes. */
static enum image_type
type_for(const struct order *o, const struct sniff *s, const struct raster *r,
	bool drawing)
{
	bool jpeg = s->type == TYPE_JPEG || o->formats & ORDER_JPEG;
	bool webp =
		o->formats & ORDER_WEBP || (s->type == TYPE_WEBP && r->alpha);

	if (o->formats & ORDER_AVIF && !drawing && avif_can())
		return TYPE_AVIF;
	if (webp && webp_fits(raster_width(r), raster_height(r)))
		return TYPE_WEBP;
	return jpeg && !drawing && !r->alpha ? TYPE_JPEG : TYPE_PNG;
}

static bool
write_as(enum image_type type, const struct order *o, const struct raster *r,
	bool drawing, struct buf *out)
{
	switch (type) {
	case TYPE_JPEG: return jpeg_write(r, o->quality, out);
	case TYPE_PNG: return png_write(r, out);
	case TYPE_WEBP: return webp_write(r, o->quality, drawing, out);
	case TYPE_AVIF: return avif_write(r, o->quality, out);
	default: return false;
	}
}

/* Takes r's pixels apart. */
static enum result
finish(const struct order *o, const struct sniff *s, struct raster *r,
	struct distilled *out)
{
	bool drawing = s->type != TYPE_JPEG && raster_is_drawing(r);
	bool sideways = r->turn >= 5;
	unsigned w, h;

	if (!raster_profile_fits(r))
		return RESULT_UNKNOWN;
	/* By the file's size: a JPEG has been read smaller already. */
	raster_fit(o, sideways ? s->height : s->width,
		sideways ? s->width : s->height, &w, &h);
	if (!(sideways ? raster_shrink(r, h, w) : raster_shrink(r, w, h)) ||
		!raster_turn(r))
		return RESULT_FAILED;
	out->type = type_for(o, s, r, drawing);
	return write_as(out->type, o, r, drawing, &out->bytes) ? RESULT_DONE
							       : RESULT_FAILED;
}

static enum result
still(const struct order *o, const struct sniff *s, struct str in,
	struct distilled *out)
{
	enum result result = RESULT_UNKNOWN;
	struct raster r;

	switch (s->type) {
	case TYPE_JPEG: result = jpeg_read(in, o, &r); break;
	case TYPE_PNG: result = png_read(in, &r); break;
	case TYPE_WEBP: result = webp_read(in, &r); break;
	default: break;
	}
	if (result != RESULT_DONE)
		return result;
	result = finish(o, s, &r, out);
	raster_fini(&r);
	return result;
}

/* --- that move ------------------------------------------------------------ */

struct mover {
	struct frames *(*open)(struct str in);
	int (*next)(
		struct frames *f, const struct raster **out, int *ends_at_ms);
	unsigned (*loops)(const struct frames *f);
	void (*close)(struct frames *f);
};

static const struct mover gif = {gif_open, gif_next, gif_loops, gif_close};
static const struct mover webp = {webp_open, webp_next, webp_loops, webp_close};

struct movie {
	const struct order *order;
	WebPAnimEncoder *encoder; /* owned */
	WebPConfig config;
	unsigned width, height;
	int starts_at_ms; /* the next frame */
};

static bool
movie_init(struct movie *m, const struct order *o, const struct sniff *s)
{
	WebPAnimEncoderOptions options;

	*m = (struct movie){.order = o};
	raster_fit(o, s->width, s->height, &m->width, &m->height);
	if (!WebPAnimEncoderOptionsInit(&options) ||
		!WebPConfigInit(&m->config))
		return false;
	options.allow_mixed = 1;
	m->config.quality = (float)o->quality;
	m->config.method = 3;
	m->encoder =
		WebPAnimEncoderNew((int)m->width, (int)m->height, &options);
	return m->encoder;
}

static bool
movie_add(struct movie *m, const struct raster *frame, int ends_at_ms)
{
	struct raster r;
	bool done = raster_copy(frame, &r) &&
		raster_shrink(&r, m->width, m->height) &&
		WebPAnimEncoderAdd(
			m->encoder, &r.picture, m->starts_at_ms, &m->config);

	m->starts_at_ms = ends_at_ms;
	raster_fini(&r);
	return done;
}

static bool
movie_end(struct movie *m, unsigned loops, const struct raster *frame,
	struct buf *out)
{
	WebPData data = {NULL, 0};
	bool done =
		WebPAnimEncoderAdd(m->encoder, NULL, m->starts_at_ms, NULL) &&
		WebPAnimEncoderAssemble(m->encoder, &data) &&
		webp_wrap(str_of((const char *)data.bytes, data.size), loops,
			frame, out);

	WebPDataClear(&data);
	return done;
}

static enum result
add_all(struct movie *m, const struct mover *v, struct frames *f,
	uint64_t frame_pixels, struct distilled *out)
{
	const struct raster *frame = NULL;
	int ends_at_ms, r;

	while ((r = v->next(f, &frame, &ends_at_ms)) > 0) {
		if (frame->turn != 1)
			return RESULT_UNKNOWN; /* nobody makes such */
		out->pixels += frame_pixels;
		if (out->pixels > ORDER_PIXELS_MAX)
			return RESULT_TOO_LARGE;
		if (!movie_add(m, frame, ends_at_ms))
			return RESULT_FAILED;
	}
	if (r < 0 || !frame)
		return RESULT_BROKEN;
	return movie_end(m, v->loops(f), frame, &out->bytes) ? RESULT_DONE
							     : RESULT_FAILED;
}

static enum result
moving(const struct order *o, const struct sniff *s, const struct mover *v,
	struct str in, struct distilled *out)
{
	struct frames *f = v->open(in);
	enum result result = RESULT_FAILED;
	struct movie m;

	out->type = TYPE_WEBP;
	out->pixels = 0;
	if (f && movie_init(&m, o, s))
		result = add_all(&m, v, f, sniff_pixels(s), out);
	if (f)
		WebPAnimEncoderDelete(m.encoder);
	v->close(f);
	return result;
}

/* Takes over what it takes of the first frame. */
static enum result
copy_first(const struct raster *frame, struct raster *out)
{
	if (!raster_copy(frame, out))
		return RESULT_FAILED;
	raster_see_alpha(out);
	return RESULT_DONE;
}

/* Its only picture, or MOVING when there is a second one. */
static enum result
only_frame(const struct mover *v, struct str in, struct raster *out)
{
	struct frames *f = v->open(in);
	enum result result = RESULT_BROKEN;
	const struct raster *frame;
	struct raster first = {0};
	int ends_at_ms;

	if (f && v->next(f, &frame, &ends_at_ms) > 0)
		result = copy_first(frame, &first);
	if (result == RESULT_DONE)
		switch (v->next(f, &frame, &ends_at_ms)) {
		case 0: break;
		case 1: result = RESULT_MOVING; break;
		default: result = RESULT_BROKEN; break;
		}
	v->close(f);
	if (result != RESULT_DONE)
		raster_fini(&first);
	else
		*out = first;
	return result;
}

static enum result
frames(const struct order *o, const struct sniff *s, const struct mover *v,
	struct str in, struct distilled *out)
{
	struct raster r;
	enum result result = only_frame(v, in, &r);
	unsigned w, h;

	if (result == RESULT_DONE) {
		result = finish(o, s, &r, out);
		raster_fini(&r);
		return result;
	}
	raster_fit(o, s->width, s->height, &w, &h);
	if (result == RESULT_MOVING && o->formats & ORDER_WEBP &&
		webp_fits(w, h))
		result = moving(o, s, v, in, out);
	return result;
}

/* --- orders --------------------------------------------------------------- */

static enum result
image(const struct order *o, struct str in, struct distilled *out)
{
	struct sniff s;

	if (!sniff(in, &s))
		return RESULT_UNKNOWN;
	out->pixels = sniff_pixels(&s);
	if (out->pixels > ORDER_PIXELS_MAX || s.width > ORDER_SIDE_MAX ||
		s.height > ORDER_SIDE_MAX)
		return RESULT_TOO_LARGE;
	if (s.type == TYPE_GIF)
		return frames(o, &s, &gif, in, out);
	if (s.type == TYPE_WEBP && s.moving)
		return frames(o, &s, &webp, in, out);
	if (s.moving)
		return RESULT_MOVING;
	return still(o, &s, in, out);
}

/* Less than 5 % is not worth what is lost. */
enum result
distill(const struct order *o, struct str in, struct distilled *out)
{
	struct distilled d = {.type = TYPE_NONE};
	enum result result;

	if (o->kind == ORDER_IMAGE)
		result = image(o, in, &d);
	else
		result = text_compress(in, o->coding, &d.bytes)
			? RESULT_DONE
			: RESULT_NO_GAIN;
	if (result == RESULT_DONE && buf_len(&d.bytes) > in.n - in.n / 20)
		result = RESULT_NO_GAIN;
	if (result != RESULT_DONE) {
		buf_fini(&d.bytes);
		d.type = TYPE_NONE;
	}
	*out = d;
	return result;
}
