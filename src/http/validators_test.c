#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/test_head.h"
#include "http/validators.h"

static void
test_etag(void **state)
{
	static const struct str good[] = {
		STR("\"\""),
		STR("\"a\""),
		STR("W/\"a\""),
		STR("\"a,b\\\""),
		STR("\"\x80'!#\""),
	};
	static const struct str bad[] = {
		STR(""),
		STR("\""),
		STR("a"),
		STR("\"a"),
		STR("a\""),
		STR("w/\"a\""),
		STR("W/a"),
		STR("W/"),
		STR("W/\""),
		STR("\"a\"b"),
		STR("\"a b\""),
		STR("\"a\"b\""),
		STR("\"\x7f\""),
		STR("*"),
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!etag_is_valid(good[i]))
			fail_msg("%.*s", STR_ARG(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (etag_is_valid(bad[i]))
			fail_msg("%.*s", STR_ARG(bad[i]));
}

/* The table of RFC 9110, 8.8.3.2. */
static void
test_same(void **state)
{
	static const struct {
		struct str a, b;
		bool strong, weak;
	} cases[] = {
		{STR("W/\"1\""), STR("W/\"1\""), false, true},
		{STR("W/\"1\""), STR("W/\"2\""), false, false},
		{STR("W/\"1\""), STR("\"1\""), false, true},
		{STR("\"1\""), STR("W/\"1\""), false, true},
		{STR("\"1\""), STR("\"1\""), true, true},
		{STR("\"a\""), STR("\"A\""), false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (etag_same_strong(cases[i].a, cases[i].b) !=
				cases[i].strong ||
			etag_same_weak(cases[i].a, cases[i].b) != cases[i].weak)
			fail_msg("case %zu", i);
}

static void
test_etag_list(void **state)
{
	static const struct {
		struct str list;
		const char *tags; /* joined */
	} cases[] = {
		{STR(""), ""},
		{STR("\"a\""), "\"a\""},
		{STR(" ,, \"a,b\",W/\"c\\\"\t, \"d\" ,"),
			"\"a,b\"W/\"c\\\"\"d\""},
		{STR("a, \"b\", \"c\"d, \"e\" \"f\", w/\"g\", \"h\""),
			"\"b\"\"h\""},
		{STR("\"a\", \"b"), "\"a\""},
		{STR("*"), ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str rest = cases[i].list, etag;
		struct buf b = {0};

		while (etag_next(&rest, &etag))
			buf_str(&b, etag);
		if (!str_eq(buf_view(&b), str_z(cases[i].tags)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&b)));
		buf_fini(&b);
	}
}

#define MODIFIED "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define MODIFIED_S 784111777
#define LATER "Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
#define TAG_A "ETag: \"a\"\r\n"
#define WEAK_A "ETag: W/\"a\"\r\n"
#define TAG_B "ETag: \"b\"\r\n"
#define WEAK_B "ETag: W/\"b\"\r\n"

static void
test_of(void **state)
{
	static const char fields[] =
		TAG_A TAG_B MODIFIED "Date: Sun, 06 Nov 1994 08:50:37 GMT\r\n";
	struct buf b = {0};
	struct validators v;
	struct head h;

	test_response(200, fields, &b, &h);
	for (int stored = 0; stored < 2; stored++) {
		v = stored ? validators_of_fields(str_z(fields))
			   : validators_of(&h);
		assert_true(str_eq(v.etag, STR("\"a\"")));
		assert_int_equal(v.last_modified_s, MODIFIED_S);
		assert_int_equal(v.date_s, MODIFIED_S + 60);
		assert_true(validators_date_is_strong(&v));
		v.date_s--;
		assert_false(validators_date_is_strong(&v));
	}
	v = validators_of_fields(STR("ETag: a\r\nLast-Modified: 0\r\n"));
	assert_null(v.etag.p);
	assert_true(v.last_modified_s == INT64_MIN && v.date_s == INT64_MIN);
	assert_false(validators_date_is_strong(&v));
	buf_fini(&b);
}

static void
test_match(void **state)
{
	static const struct {
		const char *stored, *update;
		bool match;
	} cases[] = {
		{TAG_A, TAG_A, true},
		{TAG_A, TAG_B, false},
		{TAG_A, WEAK_A, true},
		{WEAK_A, WEAK_A, true},
		{WEAK_A, TAG_A, false},
		{TAG_A, WEAK_B, false},
		{MODIFIED, TAG_A, false},
		{MODIFIED, WEAK_A, false},
		{TAG_A MODIFIED, TAG_B MODIFIED, false},
		{TAG_A MODIFIED, TAG_A LATER, true},
		{TAG_A MODIFIED, MODIFIED, true},
		{TAG_A MODIFIED, LATER, false},
		{TAG_A, MODIFIED, false},
		{MODIFIED, "", true},
		{"", "", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct validators stored =
			validators_of_fields(str_z(cases[i].stored));
		struct validators update =
			validators_of_fields(str_z(cases[i].update));

		if (validators_match(&stored, &update) != cases[i].match)
			fail_msg("case %zu", i);
	}
}

static void
test_match_head(void **state)
{
	static const struct {
		const char *stored, *update;
		bool match;
	} cases[] = {
		{TAG_A MODIFIED, "", false},
		{"", "Content-Length: 7\r\n", false},
		{TAG_A MODIFIED, TAG_A MODIFIED "Content-Length: 7\r\n", true},
		{TAG_A MODIFIED, WEAK_A, true},
		{TAG_A MODIFIED, TAG_B MODIFIED, false},
		{TAG_A MODIFIED, TAG_A LATER, false},
		{TAG_A, MODIFIED, false},
		{TAG_A, "Content-Length: 8\r\n", false},
		{TAG_A, "Content-Length: 7, 7\r\n", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct validators stored =
			validators_of_fields(str_z(cases[i].stored));
		struct buf b = {0};
		struct head h;

		test_response(200, cases[i].update, &b, &h);
		if (validators_match_head(&stored, 7, &h) != cases[i].match)
			fail_msg("case %zu", i);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_etag_list),
		cmocka_unit_test(test_of),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
