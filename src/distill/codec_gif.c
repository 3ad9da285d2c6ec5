/*
 * See codec.h. Of a GIF each picture is painted over what is left of those
 * before it, as its disposal says (GIF89a, 23). Only one is in memory at a
 * time.
 *
 * struct frames of GIF and of WebP have nothing in common but their use.
 */
#include "distill/codec.h"

#include <gif_lib.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	BACKGROUND = 0, /* browsers leave it clear, whatever the file says */
	MS_PER_TICK = 10,
	FAST_TICKS = 1,	 /* what is faster is shown at 10 a second, as */
	SLOW_TICKS = 10, /* ... browsers do */
};

struct frames {
	GifFileType *gif; /* owned */
	struct str in;
	struct raster canvas;
	uint32_t *before; /* owned: the canvas as it was, for DISPOSE_PREVIOUS;
			     or NULL */
	GraphicsControlBlock control; /* of the picture to come */
	GifImageDesc last;	      /* what was painted, and how it goes: */
	int last_disposal;
	int now_ms;
	unsigned loops;
};

static int
on_read(GifFileType *gif, GifByteType *to, int n)
{
	struct str *in = &((struct frames *)gif->UserData)->in;
	size_t some = in->n < (size_t)n ? in->n : (size_t)n;

	memcpy(to, in->p, some);
	in->p += some;
	in->n -= some;
	return (int)some;
}

static void
no_control(struct frames *f)
{
	f->control = (GraphicsControlBlock){
		.TransparentColor = NO_TRANSPARENT_COLOR};
}

struct frames *
gif_open(struct str in)
{
	struct frames *f = NEW(struct frames);

	f->in = in;
	f->loops = 1;
	f->gif = DGifOpen(f, on_read, NULL);
	if (!f->gif || f->gif->SWidth <= 0 || f->gif->SHeight <= 0 ||
		(uint64_t)f->gif->SWidth * (uint64_t)f->gif->SHeight >
			ORDER_PIXELS_MAX ||
		!raster_init(&f->canvas, (unsigned)f->gif->SWidth,
			(unsigned)f->gif->SHeight)) {
		gif_close(f);
		return NULL;
	}
	for (unsigned y = 0; y < raster_height(&f->canvas); y++)
		memset(raster_row(&f->canvas, y), BACKGROUND,
			raster_width(&f->canvas) * sizeof(uint32_t));
	f->canvas.alpha = true;
	no_control(f);
	return f;
}

void
gif_close(struct frames *f)
{
	if (!f)
		return;
	if (f->gif)
		(void)DGifCloseFile(f->gif, NULL);
	raster_fini(&f->canvas);
	free(f->before);
	free(f);
}

unsigned
gif_loops(const struct frames *f)
{
	return f->loops;
}

/* --- between pictures ----------------------------------------------------- */

static size_t
canvas_bytes(const struct frames *f)
{
	return (size_t)f->canvas.picture.argb_stride *
		raster_height(&f->canvas) * sizeof(uint32_t);
}

static void
clear(struct frames *f, const GifImageDesc *d)
{
	for (int y = 0; y < d->Height; y++)
		memset(raster_row(&f->canvas, (unsigned)(d->Top + y)) + d->Left,
			BACKGROUND, (size_t)d->Width * sizeof(uint32_t));
}

static void
dispose(struct frames *f)
{
	switch (f->last_disposal) {
	case DISPOSE_BACKGROUND: clear(f, &f->last); break;
	case DISPOSE_PREVIOUS:
		if (f->before)
			memcpy(raster_row(&f->canvas, 0), f->before,
				canvas_bytes(f));
		break;
	default: break;
	}
	f->last_disposal = DISPOSE_DO_NOT;
}

static void
remember(struct frames *f)
{
	if (f->control.DisposalMode != DISPOSE_PREVIOUS)
		return;
	if (!f->before)
		f->before = xmalloc(canvas_bytes(f));
	memcpy(f->before, raster_row(&f->canvas, 0), canvas_bytes(f));
}

/* --- one picture ---------------------------------------------------------- */

static void
paint_row(struct frames *f, int y, const GifPixelType *from,
	const ColorMapObject *map)
{
	const GifImageDesc *d = &f->gif->Image;
	uint32_t *to = raster_row(&f->canvas, (unsigned)(d->Top + y)) + d->Left;

	for (int x = 0; x < d->Width; x++) {
		const GifColorType *c;

		if (from[x] == f->control.TransparentColor ||
			from[x] >= map->ColorCount)
			continue;
		c = &map->Colors[from[x]];
		to[x] = UINT32_C(0xff000000) | (uint32_t)c->Red << 16 |
			(uint32_t)c->Green << 8 | c->Blue;
	}
}

static bool
fits(const struct frames *f)
{
	const GifImageDesc *d = &f->gif->Image;

	return d->Left >= 0 && d->Top >= 0 && d->Width > 0 && d->Height > 0 &&
		d->Left + d->Width <= f->gif->SWidth &&
		d->Top + d->Height <= f->gif->SHeight;
}

static bool
paint(struct frames *f)
{
	static const int from[] = {0, 4, 2, 1}, by[] = {8, 8, 4, 2};
	const GifImageDesc *d = &f->gif->Image;
	const ColorMapObject *map =
		d->ColorMap ? d->ColorMap : f->gif->SColorMap;
	GifPixelType *row = xmalloc((size_t)d->Width);
	int passes = d->Interlace ? 4 : 1;
	bool good = map;

	for (int pass = 0; pass < passes && good; pass++)
		for (int y = from[pass]; y < d->Height && good;
			y += d->Interlace ? by[pass] : 1) {
			good = DGifGetLine(f->gif, row, d->Width) == GIF_OK;
			if (good)
				paint_row(f, y, row, map);
		}
	free(row);
	return good;
}

/* False when it ends some weeks from now. */
static bool
add_delay(struct frames *f)
{
	int ticks = f->control.DelayTime;
	int ms = (ticks <= FAST_TICKS ? SLOW_TICKS : ticks) * MS_PER_TICK;

	return !__builtin_add_overflow(f->now_ms, ms, &f->now_ms);
}

static bool
read_picture(struct frames *f)
{
	if (DGifGetImageDesc(f->gif) != GIF_OK || !fits(f) || !add_delay(f))
		return false;
	dispose(f);
	remember(f);
	if (!paint(f))
		return false;
	f->last = f->gif->Image;
	f->last_disposal = f->control.DisposalMode;
	no_control(f);
	return true;
}

/* --- what is between them ------------------------------------------------- */

static bool
is_loop_extension(const GifByteType *block)
{
	return block[0] == 11 &&
		(memcmp(block + 1, "NETSCAPE2.0", 11) == 0 ||
			memcmp(block + 1, "ANIMEXTS1.0", 11) == 0);
}

static bool
read_extension(struct frames *f)
{
	GifByteType *block;
	bool loops;
	int code;

	if (DGifGetExtension(f->gif, &code, &block) != GIF_OK)
		return false;
	if (!block)
		return true;
	if (code == GRAPHICS_EXT_FUNC_CODE)
		(void)DGifExtensionToGCB(block[0], block + 1, &f->control);
	loops = code == APPLICATION_EXT_FUNC_CODE && is_loop_extension(block);
	do {
		if (DGifGetExtensionNext(f->gif, &block) != GIF_OK)
			return false;
		if (loops && block && block[0] >= 3 && block[1] == 1)
			f->loops = (unsigned)(block[2] | block[3] << 8);
	} while (block);
	return true;
}

int
gif_next(struct frames *f, const struct raster **out, int *ends_at_ms)
{
	GifRecordType type;

	while (DGifGetRecordType(f->gif, &type) == GIF_OK) {
		switch (type) {
		case TERMINATE_RECORD_TYPE: return 0;
		case EXTENSION_RECORD_TYPE:
			if (!read_extension(f))
				return -1;
			break;
		case IMAGE_DESC_RECORD_TYPE:
			if (!read_picture(f))
				return -1;
			*out = &f->canvas;
			*ends_at_ms = f->now_ms;
			return 1;
		default: return -1;
		}
	}
	return -1;
}
