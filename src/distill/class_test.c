#include "distill/class.h"

#include <stdio.h>

#include "http/test_head.h"

static const struct distill_rules rules = {
	.images = true,
	.text = true,
	.avif = true,
	.quality = 75,
	.save_quality = 45,
	.widths = {320, 640, 1080},
};

static struct class class_with(const char *fields)
{
	char text[512];
	struct head h;
	struct class c;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
		fields);
	assert_int_equal(head_parse_request(str_z(text), &h), HEAD_DONE);
	class_of(&h, &rules, &c);
	return c;
}

static void
test_codings(void **state)
{
	static const struct {
		const char *field;
		enum coding coding;
	} t[] = {
		{"", CODING_NONE},
		{"Accept-Encoding:\r\n", CODING_NONE},
		{"Accept-Encoding: gzip\r\n", CODING_GZIP},
		{"Accept-Encoding: gzip, deflate, br, zstd\r\n", CODING_BR},
		{"Accept-Encoding: gzip, zstd\r\n", CODING_ZSTD},
		{"Accept-Encoding: GZIP;Q=0.5, br;q=0.4\r\n", CODING_GZIP},
		{"Accept-Encoding: br;q=0, *\r\n", CODING_ZSTD},
		{"Accept-Encoding: *;q=0, gzip;q=0.001\r\n", CODING_GZIP},
		{"Accept-Encoding: gzip;q=0\r\n", CODING_NONE},
		{"Accept-Encoding: gzip;q=0.5, identity\r\n", CODING_NONE},
		{"Accept-Encoding: gzip;q=2\r\n", CODING_NONE},
		{"Accept-Encoding: deflate\r\nAccept-Encoding: br\r\n",
			CODING_BR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(class_with(t[i].field).coding, t[i].coding);
}

static void
test_formats(void **state)
{
	static const struct {
		const char *field;
		unsigned formats;
	} t[] = {
		{"", ORDER_JPEG},
		{"Accept: */*\r\n", ORDER_JPEG},
		{"Accept: image/png\r\n", 0},
		{"Accept: text/html\r\n", 0},
		{"Accept: image/avif,image/webp,image/apng,image/*,*/*;q=0.8"
		 "\r\n",
			ORDER_AVIF | ORDER_WEBP},
		{"Accept: image/webp;q=0, image/*\r\n", ORDER_JPEG},
		{"Accept: image/avif, */*;q=0\r\n", ORDER_AVIF},
		{"Accept: */*, image/jpeg;q=0, IMAGE/WEBP\r\n", ORDER_WEBP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(class_with(t[i].field).formats, t[i].formats);
}

static void
test_widths(void **state)
{
	static const struct {
		const char *fields;
		unsigned width;
	} t[] = {
		{"", 0},
		{"Sec-CH-Width: 1\r\n", 320},
		{"Sec-CH-Width: 320\r\n", 320},
		{"Sec-CH-Width: 321\r\n", 640},
		{"Sec-CH-Width: 1081\r\n", 0},
		{"Width: 500\r\n", 640},
		{"Sec-CH-Width: 300\r\nWidth: 900\r\n", 320},
		{"Viewport-Width: 360\r\n", 640},
		{"Viewport-Width: 360\r\nDPR: 2.625\r\n", 1080},
		{"Sec-CH-Viewport-Width: 320\r\nSec-CH-DPR: 1.0\r\n", 320},
		{"Viewport-Width: 360\r\nDPR: -2\r\n", 640},
		{"Sec-CH-Width: 99999999999999999999\r\n", 0},
		{"Sec-CH-Width: 32x\r\n", 0},
		{"DPR: 3\r\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(class_with(t[i].fields).width, t[i].width);
}

static void
test_save_data(void **state)
{
	(void)state;
	assert_true(class_with("Save-Data: on\r\n").save);
	assert_true(class_with("save-data: ON; x\r\n").save);
	assert_false(class_with("Save-Data: off\r\n").save);
	assert_false(class_with("").save);
}

/* Whatever it sends, a client makes no more classes than there are. */
static void
test_few(void **state)
{
	unsigned seen = 0, n = 0;

	(void)state;
	for (unsigned w = 0; w < 5000; w++) {
		char field[64];
		unsigned width, bit;

		snprintf(field, sizeof(field), "Sec-CH-Width: %u.%u\r\n", w,
			w % 7);
		width = class_with(field).width;
		bit = width == 320 ? 1 : width == 640 ? 2 : width ? 4 : 8;
		n += !(seen & bit);
		seen |= bit;
	}
	assert_int_equal(n, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_save_data),
		cmocka_unit_test(test_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
