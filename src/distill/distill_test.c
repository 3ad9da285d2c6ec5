#include "distill/distill.h"

#include "distill/test_image.h"
#include "distill/text.h"

static void
test_jpeg(void **state)
{
	static const struct {
		struct order order;
		enum image_type type;
		unsigned width, height;
	} t[] = {
		{{.formats = ORDER_JPEG}, TYPE_JPEG, W, H},
		{{.formats = 0}, TYPE_JPEG, W, H},
		{{.formats = ORDER_WEBP}, TYPE_WEBP, W, H},
		{{.formats = ORDER_WEBP, .width = 100}, TYPE_WEBP, 100, 60},
		{{.formats = ORDER_WEBP, .width = 33}, TYPE_WEBP, 33, 20},
		{{.formats = ORDER_JPEG, .halve = 1}, TYPE_JPEG, 100, 60},
		{{.formats = ORDER_JPEG, .width = 5000}, TYPE_JPEG, W, H},
		{{.formats = ORDER_JPEG, .width = 1}, TYPE_JPEG, 1, 1},
	};
	struct distilled d;
	struct buf b = {0};
	struct str in = jpeg_of(&b, 95);

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(run(t[i].order, in, &d), RESULT_DONE);
		check_size(&d, t[i].type, t[i].width, t[i].height);
		assert_true(buf_len(&d.bytes) < in.n);
		assert_int_equal(d.pixels, W * H);
		buf_fini(&d.bytes);
	}
	buf_fini(&b);
}

static void
test_avif(void **state)
{
	struct distilled d;
	struct buf b = {0};
	struct str in = jpeg_of(&b, 95);

	(void)state;
	if (!avif_can()) {
		print_message("SKIP: there is no libavif that encodes\n");
	} else {
		assert_int_equal(
			run((struct order){.formats = ORDER_FORMATS}, in, &d),
			RESULT_DONE);
		assert_int_equal(d.type, TYPE_AVIF);
		assert_memory_equal(buf_head(&d.bytes) + 4, "ftypavif", 8);
		buf_fini(&d.bytes);
	}
	buf_fini(&b);
}

static void
test_no_gain(void **state)
{
	struct distilled d;
	struct buf b = {0};
	struct str in = jpeg_of(&b, 20);

	(void)state;
	assert_int_equal(
		run((struct order){.quality = 90}, in, &d), RESULT_NO_GAIN);
	assert_int_equal(buf_len(&d.bytes), 0);
	buf_fini(&b);
}

/* A drawing's pixels come through as they were, in fewer bytes. */
static void
test_png_exact(void **state)
{
	const struct order webp = {.formats = ORDER_WEBP};
	struct raster r, again;
	struct distilled d;
	struct buf b = {0};

	(void)state;
	drawing(&r);
	assert_true(raster_is_drawing(&r));
	assert_true(png_write(&r, &b));
	assert_int_equal(png_read(buf_view(&b), &again), RESULT_DONE);
	assert_memory_equal(
		raster_row(&again, 0), raster_row(&r, 0), 4 * W * H);
	assert_false(again.alpha);
	raster_fini(&again);
	assert_int_equal(run(webp, buf_view(&b), &d), RESULT_DONE);
	check_size(&d, TYPE_WEBP, W, H);
	assert_int_equal(webp_read(buf_view(&d.bytes), &again), RESULT_DONE);
	assert_memory_equal(
		raster_row(&again, 0), raster_row(&r, 0), 4 * W * H);
	raster_fini(&again);
	buf_fini(&d.bytes);
	buf_fini(&b);
	raster_fini(&r);
}

static void
test_png_types(void **state)
{
	struct distilled d;
	struct raster r;
	struct buf b = {0};

	(void)state;
	photograph(&r, false);
	assert_false(raster_is_drawing(&r));
	assert_true(png_write(&r, &b));
	assert_int_equal(
		run((struct order){.formats = ORDER_JPEG}, buf_view(&b), &d),
		RESULT_DONE);
	check_size(&d, TYPE_JPEG, W, H);
	buf_fini(&d.bytes);
	/* a client that takes nothing else */
	assert_int_equal(run((struct order){.width = 100}, buf_view(&b), &d),
		RESULT_DONE);
	check_size(&d, TYPE_PNG, 100, 60);
	buf_fini(&d.bytes);
	raster_fini(&r);
	/* what is seen through is no JPEG */
	buf_consume(&b, buf_len(&b));
	photograph(&r, true);
	assert_true(png_write(&r, &b));
	assert_int_equal(run((struct order){.formats = ORDER_JPEG, .halve = 1},
				 buf_view(&b), &d),
		RESULT_DONE);
	check_size(&d, TYPE_PNG, W / 2, H / 2);
	buf_fini(&d.bytes);
	buf_fini(&b);
	raster_fini(&r);
}

/* Wherever it is cut, or whichever byte is wrong: refused, or made of what is
 * right; never a crash. */
static void
test_broken(void **state)
{
	struct distilled d;
	struct raster r;
	struct buf b[3] = {{0}};

	(void)state;
	photograph(&r, true);
	(void)jpeg_of(&b[0], 80);
	assert_true(png_write(&r, &b[1]));
	assert_true(webp_write(&r, 80, false, &b[2]));
	for (int i = 0; i < 3; i++)
		for (size_t n = 0; n < buf_len(&b[i]); n += 97) {
			struct order o = {.formats = ORDER_WEBP, .halve = 1};
			char *at = buf_head(&b[i]) + n;

			assert_int_not_equal(
				run(o, str_of(buf_head(&b[i]), n), &d),
				RESULT_DONE);
			*at = (char)~*at;
			if (run(o, buf_view(&b[i]), &d) == RESULT_DONE)
				buf_fini(&d.bytes);
			*at = (char)~*at;
		}
	for (int i = 0; i < 3; i++)
		buf_fini(&b[i]);
	raster_fini(&r);
}

/* A billion pixels, said by a header of a few bytes. */
static void
test_bomb(void **state)
{
	static const char png[] =
		"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x7f\xff\0\0\x7f\xff\x08\6"
		"\0\0\0crc!";
	static const char gif[] = "GIF89a\xff\xff\xff\xff\0\0\0";
	struct order o = {.formats = ORDER_WEBP};
	struct distilled d;

	(void)state;
	assert_int_equal(
		run(o, str_of(png, sizeof(png) - 1), &d), RESULT_TOO_LARGE);
	assert_int_equal(
		run(o, str_of(gif, sizeof(gif) - 1), &d), RESULT_TOO_LARGE);
}

/* What no WebP can be becomes something else; what no JPEG can, nothing. */
static void
test_long(void **state)
{
	static const struct {
		unsigned width;
		enum result result;
		enum image_type type;
	} t[] = {
		{16383, RESULT_DONE, TYPE_WEBP},
		{16384, RESULT_DONE, TYPE_JPEG},
		{65500, RESULT_DONE, TYPE_JPEG},
		{65501, RESULT_TOO_LARGE, TYPE_NONE},
	};
	struct order o = {.formats = ORDER_WEBP, .quality = 30};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct distilled d;
		struct raster r;
		struct buf b = {0};
		bool fits = t[i].width <= ORDER_SIDE_MAX;

		assert_true(raster_init(&r, t[i].width, 16));
		for (unsigned y = 0; y < 16; y++)
			for (unsigned x = 0; x < t[i].width; x++)
				raster_row(&r, y)[x] = 0xff000000 | x * y * 77;
		assert_true(fits ? jpeg_write(&r, 95, &b) : png_write(&r, &b));
		assert_int_equal(run(o, buf_view(&b), &d), t[i].result);
		assert_int_equal(d.type, t[i].type);
		buf_fini(&d.bytes);
		buf_fini(&b);
		raster_fini(&r);
	}
}

static void
test_text(void **state)
{
	static const char magic[CODINGS][5] = {
		[CODING_GZIP] = "\x1f\x8b", [CODING_ZSTD] = "\x28\xb5\x2f\xfd"};
	struct distilled d;
	struct buf b = {0};

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		buf_printf(&b, "line %u of the text\n", i);
	for (unsigned c = CODING_GZIP; c < CODINGS; c++) {
		struct order o = {.kind = ORDER_TEXT, .coding = (uint8_t)c};

		assert_int_equal(run(o, buf_view(&b), &d), RESULT_DONE);
		assert_true(buf_len(&d.bytes) < buf_len(&b) / 3);
		assert_int_equal(
			strncmp(buf_head(&d.bytes), magic[c], strlen(magic[c])),
			0);
		buf_fini(&d.bytes);
		o.bytes = 2;
		assert_int_equal(run(o, STR("ab"), &d), RESULT_NO_GAIN);
	}
	buf_fini(&b);
}

static void
test_messages(void **state)
{
	const struct order o = {.magic = ORDER_MAGIC,
		.id = 7,
		.bytes = 100,
		.quality = 1,
		.kind = ORDER_IMAGE};
	struct report r = {.magic = ORDER_MAGIC,
		.id = 7,
		.bytes = 99,
		.type = TYPE_WEBP,
		.outcome = RESULT_DONE};
	struct order order;
	struct report report;
	struct str said = {(const char *)&r, sizeof(r)};

	(void)state;
	assert_true(order_parse(str_of((const char *)&o, sizeof(o)), &order));
	assert_false(
		order_parse(str_of((const char *)&o, sizeof(o) - 1), &order));
	assert_true(report_parse(said, &o, &report));
	r.bytes = 100; /* no less than there was */
	assert_false(report_parse(said, &o, &report));
	r.bytes = 99;
	r.id = 8;
	assert_false(report_parse(said, &o, &report));
	r.id = 7;
	r.type = TYPES;
	assert_false(report_parse(said, &o, &report));
	r.type = TYPE_NONE;
	assert_false(report_parse(said, &o, &report));
	r.outcome = RESULT_BROKEN;
	assert_true(report_parse(said, &o, &report));
	r.outcome = RESULTS;
	assert_false(report_parse(said, &o, &report));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jpeg),
		cmocka_unit_test(test_avif),
		cmocka_unit_test(test_no_gain),
		cmocka_unit_test(test_png_exact),
		cmocka_unit_test(test_png_types),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
