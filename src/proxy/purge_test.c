/* Purges as frames and as lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proxy/purge.h"

static void
test_lines(void **state)
{
	static const struct {
		const char *line;
		struct purge p;
	} cases[] = {
		{"hard url http://a.test/",
			{PURGE_KEY, STR("http://a.test/"), false}},
		{"soft url http://a.test/",
			{PURGE_KEY, STR("http://a.test/"), true}},
		{"hard url HTTP://A.test:80/b/../%7ec?D",
			{PURGE_KEY, STR("http://a.test/~c?D"), false}},
		{"hard url HTTPS://A.test:443",
			{PURGE_KEY, STR("https://a.test/"), false}},
		{"hard url http://a.test:81?x",
			{PURGE_KEY, STR("http://a.test:81/?x"), false}},
		/* never the beginning of another host */
		{"hard prefix http://a.test",
			{PURGE_PREFIX, STR("http://a.test/"), false}},
		{"hard prefix http://a.test/im",
			{PURGE_PREFIX, STR("http://a.test/im"), false}},
		{"soft tag a", {PURGE_TAG, STR("a"), true}},
		{"soft tag a b, c", {PURGE_TAG, STR("a b, c"), true}},
	};
	struct buf key = {0};
	struct purge p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_consume(&key, buf_len(&key));
		assert_null(purge_parse_line(str_z(cases[i].line), &key, &p));
		assert_int_equal(p.kind, cases[i].p.kind);
		assert_int_equal(p.soft, cases[i].p.soft);
		assert_true(str_eq(p.what, cases[i].p.what));
	}
	buf_fini(&key);
}

static void
test_bad_lines(void **state)
{
	static const char *const cases[] = {
		"",
		"hard",
		"hard ",
		"Hard url http://a.test/",
		"url http://a.test/",
		"hard  url http://a.test/",
		"hard file http://a.test/",
		"hard url",
		"hard url ",
		"hard url a.test",
		"hard url /path",
		"hard url ftp://a.test/",
		"hard url http://",
		"hard url http:///path",
		"hard url http://user@a.test/",
		"hard url http://a.test/#x",
		"hard url http://a.test/ x",
		"hard url http://a.test/\xc3\xa4",
		"hard prefix http://",
		"hard prefix *",
		"hard tag",
		"hard tag ",
	};
	struct purge p = {.what = STR("untouched")};
	struct buf key = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!purge_parse_line(str_z(cases[i]), &key, &p))
			fail_msg("accepted: %s", cases[i]);
	assert_non_null(purge_parse_line((struct str){0}, &key, &p));
	assert_true(str_eq(p.what, STR("untouched")));
	buf_fini(&key);
}

static void
test_frames(void **state)
{
	const struct purge sent = {PURGE_TAG, STR("a b"), true};
	struct buf b = {0};
	struct purge p;

	purge_put(&sent, &b);
	assert_true(purge_parse(buf_view(&b), &p));
	assert_int_equal(p.kind, PURGE_TAG);
	assert_true(p.soft);
	assert_true(str_eq(p.what, sent.what));
	assert_false(purge_parse(STR(""), &p));
	assert_false(purge_parse(STR("\0\0"), &p));
	assert_false(purge_parse(STR("\3\0a"), &p));
	assert_false(purge_parse(STR("\xff\0a"), &p));
	assert_false(purge_parse(STR("\0\2a"), &p));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
