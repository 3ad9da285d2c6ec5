/* Of what files say beside their pixels, how to turn them is done, their colour
 * profile is kept, and all else goes. */
#include "distill/test_image.h"

#include <libdeflate.h>
#include <webp/mux.h>

/* "Turn me right" (EXIF's 6), and something else. */
static const char tiff[] =
	"II\x2a\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0SECRET";
enum { TIFF_BYTES = sizeof(tiff) - 1, PROFILE_BYTES = 600 };

/* As EXIF says it is to be turned, so it is; and then it says nothing more. */
static void
test_turned(void **state)
{
	struct raster r;

	(void)state;
	assert_int_equal(exif_orientation(str_of(tiff, TIFF_BYTES)), 6);
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(exif_orientation(str_of(tiff, n)), 1);
	assert_true(raster_init(&r, 2, 1));
	raster_row(&r, 0)[0] = 1;
	raster_row(&r, 0)[1] = 2;
	r.turn = 6; /* its left is to be above */
	assert_true(raster_turn(&r));
	assert_int_equal(raster_width(&r), 1);
	assert_int_equal(raster_height(&r), 2);
	assert_int_equal(raster_row(&r, 0)[0], 1);
	assert_int_equal(raster_row(&r, 1)[0], 2);
	r.turn = 8; /* ... and back */
	assert_true(raster_turn(&r));
	assert_int_equal(raster_row(&r, 0)[0], 1);
	assert_int_equal(raster_row(&r, 0)[1], 2);
	r.turn = 2;
	assert_true(raster_turn(&r));
	assert_int_equal(raster_row(&r, 0)[0], 2);
	raster_fini(&r);
}

/* One that is right, or libpng throws it away: with one tag, of any bytes. */
static void
make_profile(struct raster *r)
{
	static const struct {
		unsigned at;
		struct str bytes;
	} parts[] = {
		{0, {"\0\0\2\x58", 4}},
		{8, {"\2\x10\0\0mntrRGB XYZ ", 16}},
		{36, {"acsp", 4}},
		{68, {"\0\0\xf6\xd6\0\1\0\0\0\0\xd3\x2d", 12}},
		{128, {"\0\0\0\1cprt\0\0\0\x90\0\0\1\xc8text", 20}},
	};

	r->profile = calloc(1, PROFILE_BYTES);
	r->profile_bytes = PROFILE_BYTES;
	for (unsigned i = 148; i < PROFILE_BYTES; i++)
		((char *)r->profile)[i] = (char)(i * i * 31 >> 4);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		memcpy((char *)r->profile + parts[i].at, parts[i].bytes.p,
			parts[i].bytes.n);
}

/* --- files that say a lot ------------------------------------------------- */

static void
put_segment(unsigned marker, struct str mark, struct str s, struct buf *out)
{
	size_t n = 2 + mark.n + s.n;
	const char head[] = {(char)0xff, (char)marker, (char)(n >> 8), (char)n};

	buf_append(out, head, sizeof(head));
	buf_str(out, mark);
	buf_str(out, s);
}

static void
make_jpeg(const struct raster *r, struct buf *out)
{
	struct buf b = {0};

	assert_true(jpeg_write(r, 95, &b));
	buf_append(out, buf_head(&b), 2);
	put_segment(0xe1, STR("Exif\0\0"), str_of(tiff, TIFF_BYTES), out);
	put_segment(0xfe, STR(""), STR("SECRET"), out);
	buf_append(out, buf_head(&b) + 2, buf_len(&b) - 2);
	buf_fini(&b);
}

static void
put_chunk(struct str type, struct str s, struct buf *out)
{
	uint32_t sum = libdeflate_crc32(0, type.p, type.n);
	uint32_t words[] = {__builtin_bswap32((uint32_t)s.n), 0};

	words[1] = __builtin_bswap32(libdeflate_crc32(sum, s.p, s.n));
	buf_append(out, &words[0], 4);
	buf_str(out, type);
	buf_str(out, s);
	buf_append(out, &words[1], 4);
}

static void
make_png(const struct raster *r, struct buf *out)
{
	struct buf b = {0};

	assert_true(png_write(r, &b));
	buf_append(out, buf_head(&b), 33);
	put_chunk(STR("eXIf"), str_of(tiff, TIFF_BYTES), out);
	put_chunk(STR("tEXt"), STR("Comment\0SECRET"), out);
	buf_append(out, buf_head(&b) + 33, buf_len(&b) - 33);
	buf_fini(&b);
}

static void
make_webp(const struct raster *r, struct buf *out)
{
	const WebPData exif = {(const uint8_t *)tiff, TIFF_BYTES};
	const WebPData xmp = {(const uint8_t *)"SECRET", 6};
	WebPData bare, whole;
	struct buf b = {0};
	WebPMux *mux;

	assert_true(webp_write(r, 95, false, &b));
	bare = (WebPData){(uint8_t *)buf_head(&b), buf_len(&b)};
	mux = WebPMuxCreate(&bare, 1);
	assert_non_null(mux);
	assert_int_equal(WebPMuxSetChunk(mux, "EXIF", &exif, 1), WEBP_MUX_OK);
	assert_int_equal(WebPMuxSetChunk(mux, "XMP ", &xmp, 1), WEBP_MUX_OK);
	assert_int_equal(WebPMuxAssemble(mux, &whole), WEBP_MUX_OK);
	buf_append(out, whole.bytes, whole.size);
	WebPDataClear(&whole);
	WebPMuxDelete(mux);
	buf_fini(&b);
}

/* One of shades of gray, with a profile for those. */
static void
make_gray_png(const struct raster *r, struct buf *out)
{
	static const char ihdr[] = {
		0, 0, 0, (char)W, 0, 0, 0, H, 8, 0, 0, 0, 0};
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	unsigned char rows[H][1 + W];
	char room[2 * sizeof(rows)], chunk[5 + 2 * PROFILE_BYTES] = "icc";
	size_t n;

	for (unsigned y = 0; y < H; y++) {
		rows[y][0] = 0; /* no filter */
		for (unsigned x = 0; x < W; x++)
			rows[y][1 + x] = (unsigned char)raster_row(r, y)[x];
	}
	buf_append(out, "\x89PNG\r\n\x1a\n", 8);
	put_chunk(STR("IHDR"), str_of(ihdr, sizeof(ihdr)), out);
	n = libdeflate_zlib_compress(
		c, r->profile, r->profile_bytes, chunk + 5, sizeof(chunk) - 5);
	put_chunk(STR("iCCP"), str_of(chunk, 5 + n), out);
	n = libdeflate_zlib_compress(c, rows, sizeof(rows), room, sizeof(room));
	put_chunk(STR("IDAT"), str_of(room, n), out);
	put_chunk(STR("IEND"), STR(""), out);
	libdeflate_free_compressor(c);
}

/* --- and what becomes of them --------------------------------------------- */

static bool
says(const struct buf *b, const void *what, size_t n)
{
	return memmem(buf_head(b), buf_len(b), what, n);
}

static void
check_profile(const struct distilled *d, const struct raster *original)
{
	const struct order whole = {0};
	struct str in = buf_view(&d->bytes);
	struct raster r;

	if (d->type == TYPE_AVIF) {
		assert_true(says(&d->bytes, original->profile, PROFILE_BYTES));
		return;
	}
	assert_int_equal(d->type == TYPE_JPEG ? jpeg_read(in, &whole, &r)
			: d->type == TYPE_PNG ? png_read(in, &r)
					      : webp_read(in, &r),
		RESULT_DONE);
	assert_int_equal(r.profile_bytes, PROFILE_BYTES);
	assert_memory_equal(r.profile, original->profile, PROFILE_BYTES);
	assert_int_equal(r.turn, 1);
	raster_fini(&r);
}

static void
check(struct order o, struct str in, const struct raster *original,
	enum image_type type)
{
	struct distilled d;

	o.halve = 1;
	assert_int_equal(run(o, in, &d), RESULT_DONE);
	check_size(&d, type, H / 2, W / 2); /* it stands upright now */
	assert_false(says(&d.bytes, "SECRET", 6));
	check_profile(&d, original);
	buf_fini(&d.bytes);
}

static void
test_metadata(void **state)
{
	static void (*const makers[])(const struct raster *r,
		struct buf *out) = {make_jpeg, make_png, make_webp};
	struct raster r;

	(void)state;
	photograph(&r, false);
	make_profile(&r);
	for (unsigned i = 0; i < 3; i++) {
		struct buf b = {0};
		struct str in;

		makers[i](&r, &b);
		in = buf_view(&b);
		assert_true(says(&b, "SECRET", 6));
		check((struct order){.formats = ORDER_JPEG}, in, &r, TYPE_JPEG);
		check((struct order){.formats = ORDER_WEBP}, in, &r, TYPE_WEBP);
		if (avif_can())
			check((struct order){.formats = ORDER_FORMATS}, in, &r,
				TYPE_AVIF);
		if (makers[i] == make_png)
			check((struct order){.formats = 0}, in, &r, TYPE_PNG);
		buf_fini(&b);
	}
	raster_fini(&r);
}

/* Its profile would say nothing of a result's colours. */
static void
test_gray_profile(void **state)
{
	struct distilled d;
	struct raster r, gray;
	struct buf b = {0};

	(void)state;
	photograph(&r, false);
	make_profile(&r);
	memcpy((char *)r.profile + 16, "GRAY", 4);
	make_gray_png(&r, &b);
	assert_int_equal(png_read(buf_view(&b), &gray), RESULT_DONE);
	assert_int_equal(gray.profile_bytes, PROFILE_BYTES);
	raster_fini(&gray);
	for (uint8_t formats = 0; formats <= ORDER_WEBP; formats++)
		assert_int_equal(run((struct order){.formats = formats},
					 buf_view(&b), &d),
			RESULT_UNKNOWN);
	buf_fini(&b);
	raster_fini(&r);
}

static void
test_profile_that_is_none(void **state)
{
	const char nonsense[] = "any bytes of a profile";
	struct raster r, again;
	struct buf b = {0};

	(void)state;
	drawing(&r);
	assert_true(raster_set_profile(&r, nonsense, sizeof(nonsense)));
	assert_true(png_write(&r, &b));
	assert_int_equal(png_read(buf_view(&b), &again), RESULT_DONE);
	assert_null(again.profile);
	raster_fini(&again);
	buf_fini(&b);
	raster_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turned),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_gray_profile),
		cmocka_unit_test(test_profile_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
