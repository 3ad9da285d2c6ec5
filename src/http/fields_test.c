#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/fields.h"
#include "http/test_head.h"

static void
test_next(void **state)
{
	struct str rest = STR("ETag: \"a:b\"\r\nbroken\r\n: x\r\n\r\nX-Y:\r\n"
			      "vary:  a \r\nDate: x");
	struct field f;

	assert_true(fields_next(&rest, &f));
	assert_int_equal(f.id, FIELD_ETAG);
	assert_true(str_eq(f.value, STR("\"a:b\"")));
	assert_true(fields_next(&rest, &f));
	assert_true(str_eq(f.name, STR("X-Y")) && f.value.n == 0);
	assert_int_equal(f.id, FIELD_OTHER);
	assert_true(fields_next(&rest, &f));
	assert_int_equal(f.id, FIELD_VARY);
	assert_true(str_eq(f.value, STR("a")));
	assert_true(fields_next(&rest, &f) && f.id == FIELD_DATE);
	assert_false(fields_next(&rest, &f));
	assert_false(fields_next(&rest, &f));
}

static void
test_to_head(void **state)
{
	const unsigned most = HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS;
	struct buf b = {0};
	struct head h;

	for (unsigned i = 0; i < most; i++)
		fields_put(STR("Age"), STR("1"), &b);
	assert_true(fields_to_head(buf_view(&b), 203, &h));
	assert_int_equal(h.status, 203);
	assert_int_equal(h.nfields, most);
	assert_int_equal(h.fields[most - 1].id, FIELD_AGE);
	fields_put(STR("Age"), STR("1"), &b);
	assert_false(fields_to_head(buf_view(&b), 203, &h));
	assert_true(fields_to_head((struct str){0}, 200, &h));
	assert_int_equal(h.nfields, 0);
	buf_fini(&b);
}

static void
test_update(void **state)
{
	static const struct {
		const char *stored, *update, *merged;
	} cases[] = {
		{"A: 1\r\nB: 2\r\n", "", "A: 1\r\nB: 2\r\n"},
		{"A: 1\r\nB: 2\r\nA: 3\r\n", "a: 4\r\na: 5\r\n",
			"B: 2\r\na: 4\r\na: 5\r\n"},
		{"A: 1\r\n", "B: 2\r\n", "A: 1\r\nB: 2\r\n"},
		/* what is true of the bytes */
		{"Content-Type: a\r\nContent-Encoding: gzip\r\nETag: \"a\"\r\n",
			"Content-Type: b\r\nContent-Encoding: br\r\n"
			"Content-Length: 0\r\nContent-Range: bytes 0-1/2\r\n"
			"ETag: W/\"a\"\r\nContent-Language: de\r\n",
			"Content-Encoding: gzip\r\nETag: \"a\"\r\n"
			"Content-Type: b\r\nContent-Language: de\r\n"},
		/* what is for the one connection, or the one client */
		{"A: 1\r\n",
			"Connection: a, keep-alive\r\nA: 2\r\n"
			"Transfer-Encoding: chunked\r\nTrailer: x\r\n"
			"Set-Cookie: a=b\r\nAge: 7\r\n",
			"A: 1\r\n"},
		/* what may not be stored, old and new */
		{"A: 1\r\nB: 2\r\n", "A: 3\r\nCache-Control: private=\"a\"\r\n",
			"B: 2\r\nCache-Control: private=\"a\"\r\n"},
		{"Cache-Control: no-cache=a\r\nB: 2\r\n", "A: 3\r\nB: 4\r\n",
			"Cache-Control: no-cache=a\r\nB: 4\r\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0}, out = {0};
		struct head h;

		test_response(304, cases[i].update, &b, &h);
		fields_update(str_z(cases[i].stored), &h, &out);
		if (!str_eq(buf_view(&out), str_z(cases[i].merged)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&out)));
		buf_fini(&out);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_to_head),
		cmocka_unit_test(test_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
