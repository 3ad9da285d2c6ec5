/* Animations stay so, or as they are. */
#include "distill/test_image.h"

#include <webp/mux.h>

/* Two pictures of 1 x 1, red then blue, for 0.5 s each, three times. */
static const char two[] =
	"GIF89a\1\0\1\0\x80\0\0\xff\0\0\0\0\xff"
	"\x21\xff\x0bNETSCAPE2.0\3\1\3\0\0"
	"\x21\xf9\4\0\x32\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
	"\x21\xf9\4\0\x32\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0;";

static void
test_gif_frames(void **state)
{
	const struct raster *frame;
	struct frames *f = gif_open(str_of(two, sizeof(two) - 1));
	int ms;

	(void)state;
	assert_non_null(f);
	assert_int_equal(gif_next(f, &frame, &ms), 1);
	assert_int_equal(raster_row(frame, 0)[0], 0xffff0000);
	assert_int_equal(ms, 500);
	assert_int_equal(gif_next(f, &frame, &ms), 1);
	assert_int_equal(raster_row(frame, 0)[0], 0xff0000ff);
	assert_int_equal(ms, 1000);
	assert_int_equal(gif_next(f, &frame, &ms), 0);
	assert_int_equal(gif_loops(f), 3);
	gif_close(f);
}

static void
test_moving(void **state)
{
	const struct raster *frame;
	struct distilled d;
	struct frames *f;
	struct buf b = {0};
	int ms = 0, n = 0;

	(void)state;
	/* With so much behind its end it may become larger than it would be. */
	buf_append(&b, two, sizeof(two) - 1);
	memset(buf_reserve(&b, 4096), 0, 4096);
	buf_commit(&b, 4096);
	assert_int_equal(
		run((struct order){.formats = ORDER_JPEG}, buf_view(&b), &d),
		RESULT_MOVING);
	assert_int_equal(
		run((struct order){.formats = ORDER_WEBP}, buf_view(&b), &d),
		RESULT_DONE);
	assert_int_equal(d.pixels, 2);
	f = webp_open(buf_view(&d.bytes));
	assert_non_null(f);
	while (webp_next(f, &frame, &ms) > 0)
		n++;
	assert_int_equal(n, 2);
	assert_int_equal(ms, 1000);
	assert_int_equal(webp_loops(f), 3);
	webp_close(f);
	/* ... and again, from WebP. */
	buf_fini(&b);
	buf_str(&b, buf_view(&d.bytes));
	buf_fini(&d.bytes);
	assert_int_equal(run((struct order){.formats = 0}, buf_view(&b), &d),
		RESULT_MOVING);
	buf_fini(&b);
}

/* One of which all pictures are alike is one that does not move. */
static void
test_moving_alike(void **state)
{
	static const char picture[] =
		"\x21\xf9\4\0\x32\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0";
	struct distilled d;
	struct buf b = {0};

	(void)state;
	buf_z(&b, "GIF89a");
	buf_append(&b, "\1\0\1\0\x80\0\0\xff\0\0\0\0\xff", 13);
	for (int i = 0; i < 50; i++)
		buf_append(&b, picture, sizeof(picture) - 1);
	buf_z(&b, ";");
	assert_int_equal(
		run((struct order){.formats = ORDER_WEBP}, buf_view(&b), &d),
		RESULT_DONE);
	check_size(&d, TYPE_WEBP, 1, 1);
	buf_fini(&d.bytes);
	buf_fini(&b);
}

/* One that would go on for longer than an int has milliseconds. */
static void
test_moving_for_weeks(void **state)
{
	static const char pictures[2][24] = {
		"\x21\xf9\4\0\xff\xff\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1",
		"\x21\xf9\4\0\xff\xff\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x4c\1"};
	struct distilled d;
	struct buf b = {0};

	(void)state;
	buf_z(&b, "GIF89a");
	buf_append(&b, "\1\0\1\0\x80\0\0\xff\0\0\0\0\xff", 13);
	for (int i = 0; i < INT32_MAX / 655350 + 2; i++)
		buf_append(&b, pictures[i % 2], 23);
	buf_z(&b, ";");
	assert_int_equal(
		run((struct order){.formats = ORDER_WEBP}, buf_view(&b), &d),
		RESULT_BROKEN);
	buf_fini(&b);
}

static const char profile[] = "any bytes of a profile";

/* Three pictures of a photograph that goes sideways, with a profile. */
static void
make_film(struct buf *out)
{
	const WebPData icc = {(const uint8_t *)profile, sizeof(profile)};
	WebPAnimEncoder *e = WebPAnimEncoderNew(W, H, NULL);
	WebPData data, whole;
	WebPMux *mux;
	struct raster r;

	photograph(&r, false);
	for (int i = 0; i < 3; i++) {
		for (unsigned y = 0; y < H; y++)
			memmove(raster_row(&r, y), raster_row(&r, y) + 8,
				(W - 8) * sizeof(uint32_t));
		assert_true(WebPAnimEncoderAdd(e, &r.picture, 100 * i, NULL));
	}
	assert_true(WebPAnimEncoderAdd(e, NULL, 300, NULL));
	assert_true(WebPAnimEncoderAssemble(e, &data));
	mux = WebPMuxCreate(&data, 0);
	assert_int_equal(WebPMuxSetChunk(mux, "ICCP", &icc, 0), WEBP_MUX_OK);
	assert_int_equal(WebPMuxAssemble(mux, &whole), WEBP_MUX_OK);
	buf_append(out, whole.bytes, whole.size);
	WebPMuxDelete(mux);
	WebPDataClear(&whole);
	WebPDataClear(&data);
	WebPAnimEncoderDelete(e);
	raster_fini(&r);
}

static void
test_moving_webp(void **state)
{
	const struct order o = {
		.formats = ORDER_WEBP, .halve = 1, .quality = 30};
	const struct raster *frame;
	struct buf film = {0};
	struct distilled d;
	struct frames *f;
	int ms, n = 0;

	(void)state;
	make_film(&film);
	assert_int_equal(run(o, buf_view(&film), &d), RESULT_DONE);
	check_size(&d, TYPE_WEBP, W / 2, H / 2);
	assert_int_equal(d.pixels, 3 * W * H);
	f = webp_open(buf_view(&d.bytes));
	assert_non_null(f);
	while (webp_next(f, &frame, &ms) > 0) {
		assert_int_equal(ms, 100 * ++n);
		assert_int_equal(frame->profile_bytes, sizeof(profile));
		assert_memory_equal(frame->profile, profile, sizeof(profile));
	}
	assert_int_equal(n, 3);
	webp_close(f);
	buf_fini(&d.bytes);
	buf_fini(&film);
}

/* Nobody writes APNG here, so it is left alone, for whatever client. */
static void
test_moving_png(void **state)
{
	static const char control[] = "\0\0\0\x08"
				      "acTL\0\0\0\2\0\0\0\0\xf3\x8d\x93\x70";
	struct buf b = {0}, all = {0};
	struct distilled d;
	struct raster r;

	(void)state;
	photograph(&r, false);
	assert_true(png_write(&r, &b));
	buf_append(&all, buf_head(&b), 33);
	buf_append(&all, control, sizeof(control) - 1);
	buf_append(&all, buf_head(&b) + 33, buf_len(&b) - 33);
	for (unsigned formats = 0; formats <= ORDER_FORMATS; formats++)
		assert_int_equal(
			run((struct order){.formats = (uint8_t)formats},
				buf_view(&all), &d),
			RESULT_MOVING);
	raster_fini(&r);
	buf_fini(&b);
	buf_fini(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gif_frames),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_moving_alike),
		cmocka_unit_test(test_moving_for_weeks),
		cmocka_unit_test(test_moving_webp),
		cmocka_unit_test(test_moving_png),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
