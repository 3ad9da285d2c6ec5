#include "bench/pictures.h"

#include "base/mem.h"
#include "base/own.h"
#include "bench/scene.h"
#include "distill/codec.h"
#include "distill/distill.h"

#include <errno.h>
#include <gif_lib.h>
#include <math.h>
#include <sys/stat.h>

enum {
	WIDTH = 1800,
	HEIGHT = 1200,
	SEED = 7,
	LEVELS = 6, /* of each colour in a GIF's palette: 216 in all */
	FRAMES = 16,
	GIF_COLORS = 256,
};

struct place {
	const char *dir;
	unsigned shrink;
	const struct scene_noise *noise; /* borrowed */
};

static int
write_file(const struct place *p, const char *name, struct buf *b)
{
	own_free char *path = xasprintf("%s/%s", p->dir, name);
	own_file FILE *f = fopen(path, "we");
	struct str s = buf_view(b);
	int r = f && fwrite(s.p, 1, s.n, f) == s.n && fflush(f) == 0 ? 0
								     : -errno;

	buf_fini(b);
	return r;
}

/* --- rasters -------------------------------------------------------------- */

static uint32_t
pixel(unsigned r, unsigned g, unsigned b)
{
	return UINT32_C(0xff000000) | r << 16 | g << 8 | b;
}

static unsigned
level(float v, float grain)
{
	v = v * 255 + grain;
	return v <= 0 ? 0 : v >= 255 ? 255 : (unsigned)v;
}

/* With the grain of a film, which makes files as large as they are. */
static void
photograph(const struct place *p, enum scene_light light, unsigned shrink,
	struct raster *r)
{
	struct image m;
	uint32_t random = 1;

	image_init(&m, WIDTH / shrink, HEIGHT / shrink);
	scene_paint(p->noise, SEED, light, &m);
	if (!raster_init(r, m.width, m.height))
		abort();
	for (size_t i = 0; i < (size_t)m.width * m.height; i++) {
		float grain;

		random = random * 1664525 + 1013904223;
		grain = (float)(random >> 24) / 32.0f - 4;
		r->picture.argb[i] = pixel(level(m.px[i].r, grain),
			level(m.px[i].g, grain), level(m.px[i].b, grain));
	}
	image_fini(&m);
}

static void
fill(struct raster *r, unsigned width, unsigned height, uint32_t color)
{
	if (!raster_init(r, width, height))
		abort();
	for (size_t i = 0; i < (size_t)width * height; i++)
		r->picture.argb[i] = color;
}

static void
box(struct raster *r, int x, int y, int w, int h, uint32_t color)
{
	for (int j = y < 0 ? 0 : y; j < y + h && j < r->picture.height; j++)
		for (int i = x < 0 ? 0 : x; i < x + w && i < r->picture.width;
			i++)
			raster_row(r, (unsigned)j)[i] = color;
}

/* Soft at its edge, over what is there. */
static void
disc(struct raster *r, double cx, double cy, double radius, uint32_t color)
{
	for (int y = 0; y < r->picture.height; y++)
		for (int x = 0; x < r->picture.width; x++) {
			double d = radius - hypot(x - cx, y - cy);
			uint32_t *at = raster_row(r, (unsigned)y) + x;
			unsigned a = d >= 1 ? 255
				: d > 0	    ? (unsigned)(d * 255)
					    : 0;
			uint32_t mixed = 0;

			for (int s = 0; s < 32; s += 8)
				mixed |= ((*at >> s & 255) * (255 - a) +
						 (color >> s & 255) * a) /
						255
					<< s;
			*at = mixed;
		}
}

static void
drawing(struct raster *r)
{
	static const uint32_t colors[] = {
		0xffd84c3f, 0xff3f7fd8, 0xff4fae5a, 0xffe8b93c, 0xff7a5bb0};

	fill(r, 800, 600, 0x00ffffff);
	r->alpha = true;
	for (int i = 0; i < 20; i++)
		disc(r, 60 + i * 193 % 700, 60 + i * 131 % 500, 20 + i * 3,
			colors[i % 5]);
	box(r, 80, 540, 640, 20, 0xff333333);
}

/* Words that nobody can read, of five by seven pixels a letter. */
static void
write_line(struct raster *r, int x, int y, int letters, uint32_t color)
{
	uint32_t random = (uint32_t)(x * 31 + y);

	for (int i = 0; i < letters; i++) {
		random = random * 1664525 + 1013904223;
		if (random >> 29 == 0)
			continue; /* a blank */
		for (int bit = 0; bit < 35; bit++)
			if ((random >> (bit % 27 + 4) ^ (unsigned)bit) & 1)
				box(r, x + i * 7 + bit % 5, y + bit / 5, 1, 1,
					color);
	}
}

static void
screenshot(struct raster *r)
{
	fill(r, 1280, 800, 0xfff4f5f7);
	box(r, 0, 0, 1280, 44, 0xff2d3748);
	box(r, 0, 44, 240, 756, 0xffe2e6ec);
	write_line(r, 20, 18, 30, 0xffffffff);
	for (int i = 0; i < 20; i++)
		write_line(r, 24, 80 + i * 30, 22, 0xff4a5568);
	for (int i = 0; i < 42; i++)
		write_line(r, 280, 90 + i * 16, 90 + i * 37 % 40, 0xff1a202c);
	box(r, 1000, 640, 200, 60, 0xff3f7fd8);
	write_line(r, 1030, 666, 20, 0xffffffff);
}

static void
ball(struct raster *r, unsigned frame)
{
	double t = frame * 2 * 3.14159265 / FRAMES;

	fill(r, 320, 240, 0xff20304a);
	box(r, 0, 200, 320, 40, 0xff3c5a45);
	disc(r, 160 + 110 * cos(t), 170 - 120 * fabs(sin(t)), 28, 0xffe8b93c);
}

/* --- files ---------------------------------------------------------------- */

static int
on_gif(GifFileType *gif, const GifByteType *from, int n)
{
	buf_append(gif->UserData, from, (size_t)n);
	return n;
}

/* The nearest of LEVELS, a little off in a pattern: ordered dithering. */
static GifByteType
gif_color(uint32_t c, unsigned x, unsigned y)
{
	static const unsigned char bayer[4][4] = {
		{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
	unsigned off = bayer[y % 4][x % 4] * 255 / (LEVELS - 1) / 16;
	unsigned index = 0;

	for (int s = 16; s >= 0; s -= 8) {
		unsigned v = (c >> s & 255) * (LEVELS - 1) + off * (LEVELS - 1);

		v /= 255;
		index = index * LEVELS + (v < LEVELS ? v : LEVELS - 1);
	}
	return (GifByteType)index;
}

static ColorMapObject *
gif_map(void)
{
	ColorMapObject *map = GifMakeMapObject(GIF_COLORS, NULL);

	for (int i = 0; map && i < LEVELS * LEVELS * LEVELS; i++)
		map->Colors[i] =
			(GifColorType){(GifByteType)(i / LEVELS / LEVELS * 51),
				(GifByteType)(i / LEVELS % LEVELS * 51),
				(GifByteType)(i % LEVELS * 51)};
	return map;
}

static bool
gif_add(GifFileType *gif, const struct raster *r)
{
	own_free GifByteType *row = xmalloc(raster_width(r));
	static const unsigned char control[] = {0, 6, 0, 0}; /* 60 ms */

	if (EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof(control),
		    control) != GIF_OK ||
		EGifPutImageDesc(gif, 0, 0, r->picture.width, r->picture.height,
			false, NULL) != GIF_OK)
		return false;
	for (unsigned y = 0; y < raster_height(r); y++) {
		for (unsigned x = 0; x < raster_width(r); x++)
			row[x] = gif_color(raster_row(r, y)[x], x, y);
		if (EGifPutLine(gif, row, r->picture.width) != GIF_OK)
			return false;
	}
	return true;
}

static GifFileType *
gif_begin(struct buf *b, int width, int height, bool moves)
{
	GifFileType *gif = EGifOpen(b, on_gif, NULL);
	ColorMapObject *map = gif_map();
	static const unsigned char for_ever[] = {1, 0, 0};

	if (!gif || !map)
		abort();
	EGifSetGifVersion(gif, true);
	if (EGifPutScreenDesc(gif, width, height, 8, 0, map) != GIF_OK)
		abort();
	GifFreeMapObject(map);
	if (moves) {
		(void)EGifPutExtensionLeader(gif, APPLICATION_EXT_FUNC_CODE);
		(void)EGifPutExtensionBlock(gif, 11, "NETSCAPE2.0");
		(void)EGifPutExtensionBlock(gif, sizeof(for_ever), for_ever);
		(void)EGifPutExtensionTrailer(gif);
	}
	return gif;
}

static void
gif_still(const struct raster *r, struct buf *b)
{
	GifFileType *gif =
		gif_begin(b, r->picture.width, r->picture.height, false);

	(void)gif_add(gif, r);
	(void)EGifCloseFile(gif, NULL);
}

static void
gif_ball(struct buf *b)
{
	GifFileType *gif = gif_begin(b, 320, 240, true);

	for (unsigned i = 0; i < FRAMES; i++) {
		struct raster r;

		ball(&r, i);
		(void)gif_add(gif, &r);
		raster_fini(&r);
	}
	(void)EGifCloseFile(gif, NULL);
}

static int
make_photographs(const struct place *p)
{
	struct raster r;
	struct buf b = {0};
	int result;

	photograph(p, SCENE_GOLD, p->shrink, &r);
	(void)jpeg_write(&r, 92, &b);
	result = write_file(p, "photo.jpg", &b);
	raster_fini(&r);
	photograph(p, SCENE_MIST, 2 * p->shrink, &r);
	(void)png_write(&r, &b);
	if (result == 0)
		result = write_file(p, "photo.png", &b);
	(void)webp_write(&r, 92, false, &b);
	if (result == 0)
		result = write_file(p, "photo.webp", &b);
	raster_fini(&r);
	photograph(p, SCENE_DUSK, 3 * p->shrink, &r);
	gif_still(&r, &b);
	if (result == 0)
		result = write_file(p, "photo.gif", &b);
	raster_fini(&r);
	return result;
}

static int
make_drawings(const struct place *p)
{
	struct raster r;
	struct buf b = {0};
	int result;

	drawing(&r);
	(void)png_write(&r, &b);
	result = write_file(p, "drawing.png", &b);
	raster_fini(&r);
	screenshot(&r);
	(void)png_write(&r, &b);
	if (result == 0)
		result = write_file(p, "screenshot.png", &b);
	gif_still(&r, &b);
	if (result == 0)
		result = write_file(p, "screenshot.gif", &b);
	raster_fini(&r);
	return result;
}

static int
make_animations(const struct place *p)
{
	const struct order o = {
		.kind = ORDER_IMAGE, .formats = ORDER_WEBP, .quality = 95};
	struct buf b = {0};
	struct distilled d = {0};
	int result;

	gif_ball(&b);
	(void)distill(&o, buf_view(&b), &d);
	result = write_file(p, "ball.gif", &b);
	if (result == 0)
		result = write_file(p, "ball.webp", &d.bytes);
	buf_fini(&d.bytes);
	return result;
}

static int
make_text(const struct place *p)
{
	static const char *const words[] = {"node", "owner", "cache", "key",
		"peer", "hash", "object", "client", "answers", "asks", "from",
		"the", "of", "a", "its", "stored", "fresh", "range"};
	struct buf b = {0};
	uint32_t random = 1;

	buf_z(&b, "<!doctype html>\n<title>Text</title>\n");
	for (int i = 0; i < 8000; i++) {
		random = random * 1664525 + 1013904223;
		buf_z(&b, i % 60 ? " " : "\n<p class=\"text\">");
		buf_z(&b,
			words[(random >> 20) %
				(sizeof(words) / sizeof(words[0]))]);
	}
	return write_file(p, "text.html", &b);
}

int
pictures_make(const char *dir, unsigned shrink)
{
	struct scene_noise *noise = scene_noise_new();
	struct place p = {dir, shrink, noise};
	int r = 0;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = make_photographs(&p);
	if (r == 0)
		r = make_drawings(&p);
	if (r == 0)
		r = make_animations(&p);
	if (r == 0)
		r = make_text(&p);
	scene_noise_free(noise);
	return r;
}
