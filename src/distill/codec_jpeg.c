#include "distill/codec.h"

#include <stdio.h>

#include <jpeglib.h>
#include <setjmp.h>
#include <stdlib.h>

enum {
	SCANS_MAX = 100,
	EXIF_MARKER = JPEG_APP0 + 1,
	ICC_MARKER = JPEG_APP0 + 2
};

/* libjpeg leaves by a long jump. */
struct guard {
	struct jpeg_error_mgr mgr;
	jmp_buf out;
};

static void
leave(j_common_ptr c)
{
	longjmp(((struct guard *)c->err)->out, 1);
}

/* What it could make up for is damage, too: the original is served. */
static void
on_message(j_common_ptr c, int level)
{
	if (level < 0)
		leave(c);
}

static void
guard_init(struct guard *g)
{
	jpeg_std_error(&g->mgr);
	g->mgr.error_exit = leave;
	g->mgr.emit_message = on_message;
}

/* A progressive file may have any number of scans, each as long to decode as
 * the image is large. */
static void
on_progress(j_common_ptr c)
{
	if (c->is_decompressor &&
		((j_decompress_ptr)c)->input_scan_number > SCANS_MAX)
		leave(c);
}

static unsigned
orientation(const struct jpeg_decompress_struct *c)
{
	const struct str mark = STR("Exif\0\0");

	for (jpeg_saved_marker_ptr m = c->marker_list; m; m = m->next) {
		struct str s = str_of((const char *)m->data, m->data_length);

		if (m->marker == EXIF_MARKER && str_starts(s, mark))
			return exif_orientation(
				str_of(s.p + mark.n, s.n - mark.n));
	}
	return 1;
}

/* The inverse transform can give the image at 1/2, 1/4 and 1/8 for less than it
 * costs to give all of it. */
static void
choose_scale(
	struct jpeg_decompress_struct *c, const struct order *o, unsigned turn)
{
	bool sideways = turn >= 5;
	unsigned w = sideways ? c->image_height : c->image_width;
	unsigned h = sideways ? c->image_width : c->image_height;
	unsigned want_w, want_h;

	raster_fit(o, w, h, &want_w, &want_h);
	c->scale_num = 1;
	c->scale_denom = 1;
	while (c->scale_denom < 8 &&
		(w + 2 * c->scale_denom - 1) / (2 * c->scale_denom) >= want_w &&
		(h + 2 * c->scale_denom - 1) / (2 * c->scale_denom) >= want_h)
		c->scale_denom *= 2;
}

static void
read_rows(struct jpeg_decompress_struct *c, struct raster *r)
{
	while (c->output_scanline < c->output_height) {
		JSAMPROW rows[16];
		unsigned n = c->output_height - c->output_scanline;

		if (n > 16)
			n = 16;
		for (unsigned i = 0; i < n; i++)
			rows[i] =
				(JSAMPROW)raster_row(r, c->output_scanline + i);
		(void)jpeg_read_scanlines(c, rows, n);
	}
}

static enum result
decode(struct jpeg_decompress_struct *c, struct str in, const struct order *o,
	struct raster *r)
{
	JOCTET *profile;
	unsigned profile_bytes, turn;

	jpeg_mem_src(c, (const unsigned char *)in.p, in.n);
	jpeg_save_markers(c, EXIF_MARKER, 0xffff);
	jpeg_save_markers(c, ICC_MARKER, 0xffff);
	(void)jpeg_read_header(c, TRUE);
	if (c->num_components > 3)
		return RESULT_UNKNOWN; /* for print */
	if ((uint64_t)c->image_width * c->image_height > ORDER_PIXELS_MAX)
		return RESULT_TOO_LARGE;
	turn = orientation(c);
	choose_scale(c, o, turn);
	c->out_color_space = JCS_EXT_BGRA;
	(void)jpeg_start_decompress(c);
	if (!raster_init(r, c->output_width, c->output_height))
		return RESULT_FAILED;
	r->turn = turn;
	read_rows(c, r);
	if (jpeg_read_icc_profile(c, &profile, &profile_bytes)) {
		r->profile = profile;
		r->profile_bytes = profile_bytes;
	}
	(void)jpeg_finish_decompress(c);
	return RESULT_DONE;
}

enum result
jpeg_read(struct str in, const struct order *o, struct raster *out)
{
	struct jpeg_decompress_struct c = {0};
	struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
	struct guard guard;
	enum result result;

	*out = (struct raster){0};
	guard_init(&guard);
	c.err = &guard.mgr;
	if (setjmp(guard.out)) {
		result = RESULT_BROKEN;
	} else {
		jpeg_create_decompress(&c);
		c.progress = &progress;
		result = decode(&c, in, o, out);
	}
	if (result != RESULT_DONE)
		raster_fini(out);
	jpeg_destroy_decompress(&c);
	return result;
}

static void
encode(struct jpeg_compress_struct *c, const struct raster *r, unsigned quality)
{
	c->image_width = raster_width(r);
	c->image_height = raster_height(r);
	c->input_components = 4;
	c->in_color_space = JCS_EXT_BGRX;
	jpeg_set_defaults(c);
	jpeg_set_quality(c, (int)quality, TRUE);
	c->optimize_coding = TRUE;
	jpeg_simple_progression(c);
	jpeg_start_compress(c, TRUE);
	if (r->profile)
		jpeg_write_icc_profile(
			c, r->profile, (unsigned)r->profile_bytes);
	while (c->next_scanline < c->image_height) {
		JSAMPROW row = (JSAMPROW)raster_row(r, c->next_scanline);

		(void)jpeg_write_scanlines(c, &row, 1);
	}
	jpeg_finish_compress(c);
}

bool
jpeg_write(const struct raster *r, unsigned quality, struct buf *out)
{
	struct jpeg_compress_struct c = {0};
	struct {
		unsigned char *p;
		unsigned long n;
	} volatile file = {NULL, 0};
	struct guard guard;
	volatile bool done = false;

	guard_init(&guard);
	c.err = &guard.mgr;
	if (!setjmp(guard.out)) {
		jpeg_create_compress(&c);
		jpeg_mem_dest(&c, (unsigned char **)&file.p,
			(unsigned long *)&file.n);
		encode(&c, r, quality);
		buf_append(out, file.p, file.n);
		done = true;
	}
	jpeg_destroy_compress(&c);
	free(file.p);
	return done;
}
