#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/range.h"
#include "http/test_head.h"

/* "0-4 9-9", "whole", "none" or "ignored". */
static void
parts_of(const char *fields, uint64_t length, struct buf *out)
{
	struct range_parts parts;
	struct range_set set;
	struct buf b = {0};
	struct head h;

	buf_consume(out, buf_len(out));
	test_request("GET", fields, &b, &h);
	if (!range_asked(&h, &set)) {
		buf_z(out, "ignored");
	} else {
		switch (range_resolve(&set, length, &parts)) {
		case RANGE_WHOLE: buf_z(out, "whole"); break;
		case RANGE_UNSATISFIABLE: buf_z(out, "none"); break;
		case RANGE_PARTS:
			for (unsigned i = 0; i < parts.n; i++)
				buf_printf(out, "%s%lu-%lu", i ? " " : "",
					parts.v[i].first, parts.v[i].last);
		}
	}
	buf_fini(&b);
}

static const struct {
	const char *value;
	uint64_t length;
	const char *parts;
} ranges[] = {
	{"bytes=0-4", 10, "0-4"},
	{"Bytes=5-", 10, "5-9"},
	{"bytes=-3", 10, "7-9"},
	{"bytes=-30", 10, "0-9"},
	{"bytes=5-30", 10, "5-9"},
	{"bytes=9-9", 10, "9-9"},
	{"bytes=10-", 10, "none"},
	{"bytes=-0", 10, "none"},
	{"bytes=0-", 0, "none"},
	{"bytes=-1", 0, "none"},
	{"bytes=0-18446744073709551616", 10, "0-9"},
	{"bytes=99999999999999999999-", 10, "none"},
	{"bytes=-99999999999999999999", 10, "0-9"},
	{"bytes=-1", INT64_MAX, "9223372036854775806-9223372036854775806"},
	{"bytes=0-9223372036854775807", INT64_MAX, "0-9223372036854775806"},
	/* several */
	{"bytes=0-1,,5-6 , 8-8,", 10, "0-1 5-6 8-8"},
	{"bytes=8-8,0-1", 10, "8-8 0-1"},
	{"bytes=12-15,0-1", 10, "0-1"},
	{"bytes=12-15,20-", 10, "none"},
	{"bytes=0-1,2-3", 10, "0-3"},
	{"bytes=2-3,0-1", 10, "0-3"},
	{"bytes=0-5,3-8", 10, "0-8"},
	{"bytes=0-1,4-5,2-3", 10, "0-5"},
	{"bytes=0-0,8-8,2-2,4-4,1-7", 10, "0-8"},
	{"bytes=0-,0-,0-", 10, "0-9"},
	{"bytes=-2,0-0", 10, "8-9 0-0"},
	{"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20"
	 ",22-22,24-24,26-26,28-28,30-30",
		99,
		"0-0 2-2 4-4 6-6 8-8 10-10 12-12 14-14 16-16 18-18 "
		"20-20 22-22 24-24 26-26 28-28 30-30"},
	{"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20"
	 ",22-22,24-24,26-26,28-28,30-30,32-32",
		99, "whole"},
	{"bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,"
	 "0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-",
		10, "0-9"},
	{"bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,"
	 "0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-",
		10, "ignored"},
	/* bad */
	{"", 10, "ignored"},
	{"bytes", 10, "ignored"},
	{"bytes=", 10, "ignored"},
	{"bytes=,", 10, "ignored"},
	{"bytes=-", 10, "ignored"},
	{"bytes=4", 10, "ignored"},
	{"bytes=4-3", 10, "ignored"},
	{"bytes=0-1,4-3", 10, "ignored"},
	{"bytes=0-1,x", 10, "ignored"},
	{"bytes=0 - 1", 10, "ignored"},
	{"bytes=0-1-2", 10, "ignored"},
	{"bytes=--1", 10, "ignored"},
	{"bytes=+0-1", 10, "ignored"},
	{"bytes=0x0-1", 10, "ignored"},
	{"bytes =0-1", 10, "ignored"},
	{"lines=0-1", 10, "ignored"},
	{"bytes:0-1", 10, "ignored"},
};

static void
test_range(void **state)
{
	struct buf b = {0}, got = {0};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		buf_consume(&b, buf_len(&b));
		buf_printf(&b, "Range: %s\r\n", ranges[i].value);
		buf_append(&b, "", 1);
		parts_of(buf_head(&b), ranges[i].length, &got);
		if (!str_eq(buf_view(&got), str_z(ranges[i].parts)))
			fail_msg("%s: %.*s", ranges[i].value,
				STR_ARG(buf_view(&got)));
	}
	parts_of("Range: bytes=0-1\r\nRange: bytes=0-1\r\n", 10, &got);
	assert_true(str_eq(buf_view(&got), STR("ignored")));
	parts_of("", 10, &got);
	assert_true(str_eq(buf_view(&got), STR("ignored")));
	buf_fini(&got);
	buf_fini(&b);
}

static void
test_method(void **state)
{
	struct range_set set = {.n = 7};
	struct buf b = {0};
	struct head h;

	test_request("HEAD", "Range: bytes=0-1\r\n", &b, &h);
	assert_false(range_asked(&h, &set));
	test_request("POST", "Range: bytes=0-1\r\n", &b, &h);
	assert_false(range_asked(&h, &set));
	assert_int_equal(set.n, 7);
	test_request("GET", "Range: bytes=5-\r\n", &b, &h);
	assert_true(range_asked(&h, &set));
	assert_int_equal(set.n, 1);
	assert_int_equal(set.v[0].first, 5);
	assert_true(set.v[0].last == UINT64_MAX && !set.v[0].is_suffix);
	buf_fini(&b);
}

static void
test_content_range(void **state)
{
	static const struct {
		struct str value;
		bool satisfied, counted;
		struct range part;
		uint64_t length;
	} good[] = {
		{STR("bytes 0-4/10"), true, true, {0, 4}, 10},
		{STR("BYTES 9-9/10"), true, true, {9, 9}, 10},
		{STR("bytes 2-4/*"), true, false, {2, 4}, 0},
		{STR("bytes */10"), false, true, {0, 0}, 10},
		{STR("bytes */0"), false, true, {0, 0}, 0},
		{STR("bytes 0-9223372036854775806/9223372036854775807"), true,
			true, {0, INT64_MAX - 1}, INT64_MAX},
	};
	static const struct str bad[] = {
		STR(""),
		STR("bytes"),
		STR("bytes "),
		STR("bytes 0-4"),
		STR("bytes 0-4/"),
		STR("bytes /10"),
		STR("bytes */*"),
		STR("bytes 0-10/10"),
		STR("bytes 5-4/10"),
		STR("bytes 0/10"),
		STR("bytes 0-/10"),
		STR("bytes -4/10"),
		STR("bytes  0-4/10"),
		STR("bytes=0-4/10"),
		STR("bytes 0-4/10/10"),
		STR("bytes 0-4/-10"),
		STR("bytes 0-4 / 10"),
		STR("bytes 0-4/9223372036854775808"),
		STR("bytes 0-9223372036854775808/*"),
		STR("lines 0-4/10"),
	};
	struct content_range c = {.length = 7};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (range_parse_content(bad[i], &c) || c.length != 7)
			fail_msg("%.*s", STR_ARG(bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!range_parse_content(good[i].value, &c) ||
			c.satisfied != good[i].satisfied ||
			c.counted != good[i].counted ||
			c.part.first != good[i].part.first ||
			c.part.last != good[i].part.last ||
			c.length != good[i].length)
			fail_msg("%.*s", STR_ARG(good[i].value));
}

static void
test_put(void **state)
{
	struct buf b = {0};

	range_put_content((struct range){3, 9}, 10, &b);
	assert_true(str_eq(buf_view(&b), STR("bytes 3-9/10")));
	buf_consume(&b, buf_len(&b));
	range_put_unsatisfied(0, &b);
	assert_true(str_eq(buf_view(&b), STR("bytes */0")));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_method),
		cmocka_unit_test(test_content_range),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
