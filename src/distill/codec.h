#pragma once
/*
 * From files to rasters and back, by the usual libraries. Input is anybody's:
 * each reader says RESULT_DONE, or why not; what is cut off or damaged is
 * BROKEN, however much of it could be shown. What it fills is the caller's
 * (raster_fini) if DONE only. Writers append to out.
 */
#include "base/buf.h"
#include "distill/raster.h"

/* Not smaller than the order wants, but perhaps not much larger either. */
enum result jpeg_read(struct str in, const struct order *o, struct raster *out);
enum result png_read(struct str in, struct raster *out);
/* Of one picture. */
enum result webp_read(struct str in, struct raster *out);

bool webp_fits(unsigned width, unsigned height);
bool jpeg_write(const struct raster *r, unsigned quality, struct buf *out);
bool png_write(const struct raster *r, struct buf *out);
/* drawing: without loss */
bool webp_write(const struct raster *r, unsigned quality, bool drawing,
	struct buf *out);
/* The WebP bare with r's profile, if it has one; if it moves, loops times, or
 * for ever (0). */
bool webp_wrap(struct str bare, unsigned loops, const struct raster *r,
	struct buf *out);
/* False as well when there is no libavif. */
bool avif_write(const struct raster *r, unsigned quality, struct buf *out);
bool avif_can(void);

/*
 * Images that may move: one at a time, each as a whole.
 */
struct frames;

/* Of a GIF or WebP; NULL when it is none. in stays borrowed. */
struct frames *gif_open(struct str in);
struct frames *webp_open(struct str in);
void gif_close(struct frames *f);
void webp_close(struct frames *f);
/* The next one, which is f's own until the next call, and when it ends. 1: it
 * is there; 0: there was none left; -1: broken. */
int gif_next(struct frames *f, const struct raster **out, int *ends_at_ms);
int webp_next(struct frames *f, const struct raster **out, int *ends_at_ms);
/* How often it is shown; 0: for ever. Known after the last frame. */
unsigned gif_loops(const struct frames *f);
unsigned webp_loops(const struct frames *f);

/* EXIF's orientation, 1 to 8, from the bytes behind "Exif\0\0"; 1 when it says
 * none. */
unsigned exif_orientation(struct str tiff);
