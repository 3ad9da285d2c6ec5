#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/multipart.h"

static void
test_body(void **state)
{
	const struct multipart m = {STR("xYz"), STR("text/plain"), 10};
	const struct range_parts parts = {2, {{0, 1}, {9, 9}}};
	struct buf b = {0};

	multipart_put_type(&m, &b);
	assert_true(str_eq(
		buf_view(&b), STR("multipart/byteranges; boundary=xYz")));
	buf_consume(&b, buf_len(&b));
	multipart_put_part(&m, parts.v[0], &b);
	buf_z(&b, "01");
	multipart_put_part(&m, parts.v[1], &b);
	buf_z(&b, "9");
	multipart_put_end(&m, &b);
	assert_true(str_eq(buf_view(&b),
		STR("\r\n--xYz\r\nContent-Type: text/plain\r\n"
		    "Content-Range: bytes 0-1/10\r\n\r\n01"
		    "\r\n--xYz\r\nContent-Type: text/plain\r\n"
		    "Content-Range: bytes 9-9/10\r\n\r\n9"
		    "\r\n--xYz--\r\n")));
	assert_int_equal(multipart_length(&m, &parts), buf_len(&b));
	buf_fini(&b);
}

static void
test_no_type(void **state)
{
	const struct multipart m = {STR("b"), {0}, INT64_MAX};
	const struct range_parts parts = {1, {{0, INT64_MAX - 1}}};
	struct buf b = {0};

	multipart_put_part(&m, parts.v[0], &b);
	assert_true(str_eq(buf_view(&b),
		STR("\r\n--b\r\nContent-Range: bytes 0-9223372036854775806/"
		    "9223372036854775807\r\n\r\n")));
	multipart_put_end(&m, &b);
	assert_true(multipart_length(&m, &parts) ==
		(uint64_t)INT64_MAX + buf_len(&b));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_no_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
