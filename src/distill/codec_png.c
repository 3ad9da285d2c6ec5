#include "distill/codec.h"

#include <png.h>

#include "base/mem.h"
#include "base/own.h"

enum {
	SIDE_MAX = 65535,
	CHUNK_BYTES_MAX = 4 * 1024 * 1024, /* of text and profiles, unpacked */
	CHUNK_FRAME = 12,		   /* its length, type and check sum */
	PALETTE_MAX = 256,
	LEVEL = 7, /* of zlib: 8 and 9 take twice as long for 0.5 % */
};

static void
on_error(png_structp png, const char *text)
{
	(void)text;
	png_longjmp(png, 1);
}

static void
on_warning(png_structp png, const char *text)
{
	(void)png;
	(void)text;
}

static void
on_read(png_structp png, png_bytep to, size_t n)
{
	struct str *in = png_get_io_ptr(png);

	if (in->n < n)
		png_error(png, "cut off");
	memcpy(to, in->p, n);
	in->p += n;
	in->n -= n;
}

/* Whatever it is, it becomes what a raster has. */
static void
transform(png_structp png, png_infop info)
{
	unsigned color = png_get_color_type(png, info);

	png_set_expand(png);
	if (png_get_bit_depth(png, info) == 16)
		png_set_scale_16(png);
	if (!(color & PNG_COLOR_MASK_COLOR))
		png_set_gray_to_rgb(png);
	png_set_bgr(png);
	png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
	(void)png_set_interlace_handling(png);
	png_read_update_info(png, info);
}

static void
take_profile(png_structp png, png_infop info, struct raster *r)
{
	png_charp name;
	png_bytep profile;
	png_uint_32 n;
	int compression;

	if (png_get_iCCP(png, info, &name, &compression, &profile, &n))
		(void)raster_set_profile(r, profile, n);
}

static unsigned
orientation(png_structp png, png_infop info)
{
	png_bytep exif;
	png_uint_32 n;

	if (!png_get_eXIf_1(png, info, &n, &exif))
		return 1;
	return exif_orientation(str_of((const char *)exif, n));
}

static enum result
decode(png_structp png, png_infop info, struct raster *r)
{
	png_read_info(png, info);
	if ((uint64_t)png_get_image_width(png, info) *
			png_get_image_height(png, info) >
		ORDER_PIXELS_MAX)
		return RESULT_TOO_LARGE;
	transform(png, info);
	if (png_get_rowbytes(png, info) !=
		4 * (size_t)png_get_image_width(png, info))
		return RESULT_UNKNOWN;
	if (!raster_init(r, png_get_image_width(png, info),
		    png_get_image_height(png, info)))
		return RESULT_FAILED;
	take_profile(png, info, r);
	/* Of an interlaced one each pass goes over what is there. */
	for (int pass = png_get_interlace_type(png, info) ? 7 : 1; pass; pass--)
		for (unsigned y = 0; y < raster_height(r); y++)
			png_read_row(png, (png_bytep)raster_row(r, y), NULL);
	png_read_end(png, info);
	r->turn = orientation(png, info);
	raster_see_alpha(r);
	return RESULT_DONE;
}

/* Or libpng makes room for as much as a chunk says that it has, before it sees
 * that there is less. */
static bool
is_whole(struct str in)
{
	size_t at = sizeof("\x89PNG\r\n\x1a\n") - 1;

	while (in.n >= CHUNK_FRAME && at <= in.n - CHUNK_FRAME) {
		const unsigned char *c = (const unsigned char *)in.p + at;
		size_t n = png_get_uint_32(c);

		if (n > in.n - CHUNK_FRAME - at)
			return false;
		if (memcmp(c + 4, "IEND", 4) == 0)
			return true;
		at += CHUNK_FRAME + n;
	}
	return false;
}

enum result
png_read(struct str in, struct raster *out)
{
	png_structp png = png_create_read_struct(
		PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile enum result result = RESULT_FAILED;

	*out = (struct raster){0};
	if (!is_whole(in)) {
		result = RESULT_BROKEN;
	} else if (info) {
		png_set_read_fn(png, &in, on_read);
		png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
		png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
		if (setjmp(png_jmpbuf(png)))
			result = RESULT_BROKEN;
		else
			result = decode(png, info, out);
	}
	if (result != RESULT_DONE)
		raster_fini(out);
	png_destroy_read_struct(&png, &info, NULL);
	return result;
}

/* --- writing -------------------------------------------------------------- */

struct palette {
	unsigned n;
	uint32_t color[PALETTE_MAX];
	uint16_t slot[4 * PALETTE_MAX]; /* 1 + index; 0: free */
};

/* Where it is, or goes. */
static uint16_t *
palette_find(struct palette *p, uint32_t color)
{
	unsigned at = (color * 2654435761U) >> 22;

	while (p->slot[at] && p->color[p->slot[at] - 1] != color)
		at = (at + 1) % (4 * PALETTE_MAX);
	return &p->slot[at];
}

/* False when there are more than fit. */
static bool
palette_make(struct palette *p, const struct raster *r)
{
	uint32_t last = 0;

	for (unsigned y = 0; y < raster_height(r); y++)
		for (unsigned x = 0; x < raster_width(r); x++) {
			uint32_t color = raster_row(r, y)[x];
			uint16_t *slot;

			if (p->n && color == last)
				continue;
			slot = palette_find(p, color);
			last = color;
			if (*slot)
				continue;
			if (p->n == PALETTE_MAX)
				return false;
			p->color[p->n++] = color;
			*slot = (uint16_t)p->n;
		}
	return true;
}

static void
on_write(png_structp png, png_bytep from, size_t n)
{
	buf_append(png_get_io_ptr(png), from, n);
}

static void
on_flush(png_structp png)
{
	(void)png;
}

static void
put_palette(png_structp png, png_infop info, const struct palette *p)
{
	png_color colors[PALETTE_MAX] = {0};
	png_byte alphas[PALETTE_MAX] = {0};
	int last = -1;

	for (unsigned i = 0; i < p->n; i++) {
		uint32_t c = p->color[i];

		colors[i] = (png_color){
			(png_byte)(c >> 16), (png_byte)(c >> 8), (png_byte)c};
		alphas[i] = (png_byte)(c >> 24);
		if (alphas[i] != 0xff)
			last = (int)i;
	}
	png_set_PLTE(png, info, colors, (int)p->n);
	if (last >= 0)
		png_set_tRNS(png, info, alphas, last + 1, NULL);
}

static void
put_rows(png_structp png, const struct raster *r, struct palette *p)
{
	size_t width = raster_width(r);
	png_byte row[SIDE_MAX];

	for (unsigned y = 0; y < raster_height(r); y++) {
		const uint32_t *from = raster_row(r, y);

		if (!p) {
			png_write_row(png, (png_const_bytep)from);
			continue;
		}
		for (size_t x = 0; x < width; x++)
			row[x] = (png_byte)(*palette_find(p, from[x]) - 1);
		png_write_row(png, row);
	}
}

static void
encode(png_structp png, png_infop info, const struct raster *r,
	struct palette *p)
{
	int color = p	   ? PNG_COLOR_TYPE_PALETTE
		: r->alpha ? PNG_COLOR_TYPE_RGB_ALPHA
			   : PNG_COLOR_TYPE_RGB;
	int depth = !p || p->n > 16 ? 8 : p->n > 4 ? 4 : p->n > 2 ? 2 : 1;

	png_set_compression_level(png, LEVEL);
	png_set_IHDR(png, info, raster_width(r), raster_height(r), depth, color,
		PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		PNG_FILTER_TYPE_DEFAULT);
	if (r->profile)
		png_set_iCCP(png, info, "icc", PNG_COMPRESSION_TYPE_BASE,
			r->profile, (png_uint_32)r->profile_bytes);
	if (p)
		put_palette(png, info, p);
	png_write_info(png, info);
	png_set_bgr(png);
	if (p && depth < 8)
		png_set_packing(png);
	if (!p && !r->alpha)
		png_set_filler(png, 0, PNG_FILLER_AFTER);
	put_rows(png, r, p);
	png_write_end(png, info);
}

bool
png_write(const struct raster *r, struct buf *out)
{
	own_free struct palette *palette = NEW(struct palette);
	bool fits = palette_make(palette, r);
	png_structp png = png_create_write_struct(
		PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile bool done = false;

	if (info) {
		png_set_write_fn(png, out, on_write, on_flush);
		/* A profile that makes no sense is left out. */
		png_set_benign_errors(png, 1);
		if (!setjmp(png_jmpbuf(png))) {
			encode(png, info, r, fits ? palette : NULL);
			done = true;
		}
	}
	png_destroy_write_struct(&png, &info);
	return done;
}
