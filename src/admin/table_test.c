/* Tables of text, and quantities for a person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "admin/human.h"
#include "admin/table.h"

static void
assert_table(const struct table *t, bool colour, const char *expected)
{
	struct buf b = {0};

	table_write(t, colour, &b);
	buf_append(&b, "", 1);
	assert_string_equal(buf_head(&b), expected);
	buf_fini(&b);
}

static void
test_layout(void **state)
{
	static const struct table_column columns[] = {
		{"node", false}, {"to\nclients", true}, {"ms", true}};
	struct table *t = table_new(columns, 3);

	assert_table(t, false,
		"           to\n"
		"node  clients  ms\n");
	table_cell(t, TABLE_PLAIN, "n1");
	table_cell(t, TABLE_PLAIN, "%d", 12);
	table_cell(t, TABLE_PLAIN, "%d", 12345);
	table_cell(t, TABLE_PLAIN, "z\xc3\xbcrich");
	table_skip(t);
	table_rule(t);
	table_cell(t, TABLE_PLAIN, "%s", "");
	table_cell(t, TABLE_PLAIN, "%s", "");
	table_cell(t, TABLE_PLAIN, "7");
	assert_table(t, false,
		"             to\n"
		"node    clients     ms\n"
		"n1           12  12345\n"
		"z\xc3\xbcrich\n"
		"----------------------\n"
		"                     7\n");
	table_free(t);
}

static void
test_colour(void **state)
{
	static const struct table_column columns[] = {
		{"a", false}, {"b", false}};
	struct table *t = table_new(columns, 2);

	table_cell(t, TABLE_GOOD, "up");
	table_cell(t, TABLE_BAD, "down");
	assert_table(t, true,
		"\x1b[2ma\x1b[0m   \x1b[2mb\x1b[0m\n"
		"\x1b[32mup\x1b[0m  \x1b[1;31mdown\x1b[0m\n");
	assert_table(t, false, "a   b\nup  down\n");
	table_free(t);
	table_free(NULL);
}

static void
test_bytes(void **state)
{
	assert_string_equal(human_bytes(0).z, "0B");
	assert_string_equal(human_bytes(999).z, "999B");
	assert_string_equal(human_bytes(1000).z, "1.0K");
	assert_string_equal(human_bytes(1536).z, "1.5K");
	assert_string_equal(human_bytes(102348).z, "99.9K");
	assert_string_equal(human_bytes(102350).z, "100K");
	assert_string_equal(human_bytes(1023487).z, "999K");
	assert_string_equal(human_bytes(1023488).z, "1.0M");
	assert_string_equal(human_bytes(UINT64_C(5) << 30).z, "5.0G");
	assert_string_equal(human_bytes(UINT64_MAX).z, "16.0E");
}

static void
test_count(void **state)
{
	assert_string_equal(human_count(0).z, "0");
	assert_string_equal(human_count(999).z, "999");
	assert_string_equal(human_count(1000).z, "1,000");
	assert_string_equal(human_count(30969).z, "30,969");
	assert_string_equal(human_count(999999).z, "999,999");
	assert_string_equal(human_count(1000000).z, "1.0M");
	assert_string_equal(human_count(UINT64_MAX).z, "18.4E");
}

static void
test_share(void **state)
{
	assert_string_equal(human_share(0, 0).z, "-");
	assert_string_equal(human_share(0, 5).z, "0%");
	assert_string_equal(human_share(5, 5).z, "100%");
	assert_string_equal(human_share(1, 4).z, "25.0%");
	assert_string_equal(human_share(99999, 100000).z, "99.9%");
	assert_string_equal(human_share(1, 100000).z, "0.1%");
}

static void
test_duration(void **state)
{
	assert_string_equal(human_duration(0.85).z, "850 ms");
	assert_string_equal(human_duration(12.3).z, "12 s");
	assert_string_equal(human_duration(185).z, "3 min 5 s");
	assert_string_equal(human_duration(7500).z, "2 h 5 min");
	assert_string_equal(human_duration(273600).z, "3 d 4 h");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
