#include "distill/recipe.h"

#include "http/test_head.h"

#define assert_str(s, z) assert_true(str_eq(s, str_z(z)))

static const struct distill_rules rules = {
	.images = true,
	.text = true,
	.quality = 75,
	.save_quality = 45,
	.widths = {320},
};
static const struct class any = {
	.formats = ORDER_WEBP, .coding = CODING_BR, .width = 320};

static bool
is_made(const char *fields, int64_t bytes)
{
	struct order o;

	return recipe_of(&any, &rules, str_z(fields), bytes, &o);
}

static void
test_what(void **state)
{
	(void)state;
	assert_true(is_made("Content-Type: image/png\r\n", 5000));
	assert_true(is_made("content-type: Image/JPEG; q=1\r\n", -1));
	assert_true(is_made("Content-Type: text/html; charset=x\r\n", 5000));
	assert_true(is_made("Content-Type: image/svg+xml\r\n", 5000));
	assert_true(is_made("Content-Type: application/json\r\n", 5000));
	assert_false(is_made("Content-Type: video/mp4\r\n", 5000));
	assert_false(is_made("Content-Type: text/event-stream\r\n", -1));
	assert_false(is_made("", 5000));
	/* too small, too large */
	assert_false(is_made("Content-Type: image/png\r\n", 1023));
	assert_false(is_made("Content-Type: text/html\r\n", 255));
	assert_false(is_made("Content-Type: text/html\r\n", 1 << 24));
	assert_false(is_made("Content-Type: image/png\r\n", INT64_C(1) << 40));
}

static void
test_left_alone(void **state)
{
	(void)state;
	assert_false(is_made("Content-Type: text/css\r\n"
			     "Content-Encoding: gzip\r\n",
		5000));
	assert_false(is_made("Content-Type: image/png\r\n"
			     "Cache-Control: max-age=1, No-Transform\r\n",
		5000));
	assert_false(is_made("Content-Type: image/png\r\n"
			     "Content-Range: bytes 0-9/100\r\n",
		5000));
}

static void
test_order(void **state)
{
	struct class save = {.formats = ORDER_JPEG, .save = true};
	struct buf name = {0};
	struct order o;

	(void)state;
	assert_true(recipe_of(
		&save, &rules, STR("Content-Type: image/gif\r\n"), 2000, &o));
	assert_int_equal(o.kind, ORDER_IMAGE);
	assert_int_equal(o.quality, 45);
	assert_int_equal(o.halve, 1);
	assert_int_equal(o.width, 0);
	assert_int_equal(o.bytes, 2000);
	recipe_put_name(&o, &name);
	assert_str(buf_view(&name), "1-0-45-half");
	buf_fini(&name);
	save.width = 320; /* it says how wide, so it need not be halved */
	assert_true(recipe_of(
		&save, &rules, STR("Content-Type: image/gif\r\n"), 2000, &o));
	assert_int_equal(o.halve, 0);
	assert_int_equal(o.width, 320);
}

static void
test_vary(void **state)
{
	(void)state;
	assert_str(recipe_vary(&rules, STR("Content-Type: text/css\r\n")),
		"Vary: Accept-Encoding\r\n");
	assert_true(str_starts(
		recipe_vary(&rules, STR("Content-Type: image/webp\r\n")),
		STR("Vary: Accept, Save-Data")));
	assert_true(recipe_vary(&rules, STR("Content-Type: image/avif\r\n")).n);
	assert_int_equal(
		recipe_vary(&rules, STR("Content-Type: video/mp4\r\n")).n, 0);
}

static void
check_head(struct order o, enum image_type type, const char *original,
	const char *want)
{
	struct buf own = {0}, all = {0};

	recipe_put_own(&o, type, str_z(original), 0x1f, &own);
	recipe_put_fields(str_z(original), buf_view(&own), &all);
	assert_str(buf_view(&all), want);
	buf_fini(&own);
	buf_fini(&all);
}

static void
test_head(void **state)
{
	const struct order image = {.kind = ORDER_IMAGE,
		.formats = ORDER_WEBP,
		.quality = 75,
		.width = 320};
	const struct order text = {.kind = ORDER_TEXT, .coding = CODING_ZSTD};

	(void)state;
	check_head(image, TYPE_WEBP,
		"Content-Type: image/png\r\nDate: d\r\nETag: \"x\"\r\n"
		"Digest: y\r\nLast-Modified: z\r\n",
		"Date: d\r\nLast-Modified: z\r\nContent-Type: image/webp\r\n"
		"ETag: \"x-2-320-75\"\r\n");
	check_head(image, TYPE_JPEG, "ETag: W/\"x\"\r\n",
		"Content-Type: image/jpeg\r\nETag: W/\"x-2-320-75\"\r\n");
	check_head(image, TYPE_JPEG, "",
		"Content-Type: image/jpeg\r\nETag: \"000000000000001f\"\r\n");
	check_head(text, TYPE_NONE, "Content-Type: text/css\r\nETag: \"x\"\r\n",
		"Content-Type: text/css\r\nContent-Encoding: zstd\r\n"
		"ETag: W/\"x\"\r\n");
	check_head(text, TYPE_NONE, "ETag: W/\"x\"\r\n",
		"Content-Encoding: zstd\r\nETag: W/\"x\"\r\n");
	check_head(text, TYPE_NONE, "",
		"Content-Encoding: zstd\r\nETag: W/\"000000000000001f\"\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_vary),
		cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
