/* See image.h. */
#include "bench/image.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <jpeglib.h>
#include <math.h>

void
image_init(struct image *m, unsigned width, unsigned height)
{
	m->width = width;
	m->height = height;
	m->px = xcalloc((size_t)width * height, sizeof(*m->px));
}

void
image_fini(struct image *m)
{
	free(m->px);
	m->px = NULL;
}

static struct rgb
block_mean(const struct image *m, unsigned x, unsigned y, unsigned factor)
{
	struct rgb sum = {0, 0, 0};

	for (unsigned j = 0; j < factor; j++) {
		const struct rgb *row =
			m->px + (size_t)(y * factor + j) * m->width;

		for (unsigned i = 0; i < factor; i++)
			sum = rgb_add(sum, row[x * factor + i], 1);
	}
	return rgb_scale(sum, 1.0f / (float)(factor * factor));
}

void
image_shrink(const struct image *m, unsigned factor, struct image *out)
{
	CHECK(m->width % factor == 0 && m->height % factor == 0);
	image_init(out, m->width / factor, m->height / factor);
	for (unsigned y = 0; y < out->height; y++)
		for (unsigned x = 0; x < out->width; x++)
			out->px[(size_t)y * out->width + x] =
				block_mean(m, x, y, factor);
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned char
to_byte(float v)
{
	v *= 255.0f;
	return v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)v;
}

/* Two uniform bytes make a triangular grain. */
static void
develop_row(
	const struct image *m, unsigned y, uint64_t *random, unsigned char *out)
{
	const struct rgb *row = m->px + (size_t)y * m->width;
	float cy = (float)y / (float)m->height - 0.5f;

	for (unsigned x = 0; x < m->width; x++) {
		float cx = (float)x / (float)m->width - 0.5f;
		float light = 1.03f - 0.35f * (cx * cx + cy * cy);
		uint64_t r = next_random(random);
		float grain =
			((float)(r & 255) + (float)(r >> 8 & 255) - 255.0f) *
			(0.034f / 255.0f);

		*out++ = to_byte(row[x].r * light + grain);
		*out++ = to_byte(row[x].g * light + grain);
		*out++ = to_byte(row[x].b * light + grain);
	}
}

/* The whole file, in memory that libjpeg allocates. */
static void
encode(const struct image *m, int quality, uint64_t seed, unsigned char **out,
	unsigned long *size)
{
	own_free unsigned char *row = xmalloc(3 * (size_t)m->width);
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr errors;
	uint64_t random = seed | 1;

	c.err = jpeg_std_error(&errors);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, out, size);
	c.image_width = m->width;
	c.image_height = m->height;
	c.input_components = 3;
	c.in_color_space = JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, quality, TRUE);
	jpeg_start_compress(&c, TRUE);
	for (unsigned y = 0; y < m->height; y++) {
		develop_row(m, y, &random, row);
		jpeg_write_scanlines(&c, (JSAMPARRAY)&row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
}

int
image_write_jpeg(
	const struct image *m, const char *path, int quality, uint64_t seed)
{
	own_free unsigned char *bytes = NULL;
	unsigned long size = 0;
	own_file FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	encode(m, quality, seed, &bytes, &size);
	if (fwrite(bytes, 1, size, f) != size || fflush(f) != 0)
		return errno ? -errno : -EIO;
	return 0;
}
