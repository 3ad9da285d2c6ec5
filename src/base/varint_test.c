/* Small numbers are short, and what is too large or too long is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/varint.h"

static void
test_round_trip(void **state)
{
	static const struct {
		uint64_t v;
		size_t n;
	} cases[] = {
		{0, 1},
		{127, 1},
		{128, 2},
		{16383, 2},
		{16384, 3},
		{UINT32_MAX, 5},
		{UINT64_MAX >> 1, 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};
		struct str s;
		uint64_t v;

		varint_put(&b, cases[i].v);
		assert_int_equal(buf_len(&b), cases[i].n);
		buf_str(&b, STR("end"));
		s = buf_view(&b);
		assert_true(varint_take(&s, UINT64_MAX, &v));
		assert_true(v == cases[i].v && str_eq(s, STR("end")));
		for (size_t n = 0; n < cases[i].n; n++) {
			s = str_of(buf_head(&b), n);
			assert_false(varint_take(&s, UINT64_MAX, &v));
		}
		s = buf_view(&b);
		assert_true(!v || !varint_take(&s, v - 1, &v));
		buf_fini(&b);
	}
}

static void
test_refused(void **state)
{
	static const struct str wrong[] = {
		STR("\x80\0"), /* longer than it need be */
		STR("\xff\x80\0"),
		STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct str s = wrong[i];
		uint64_t v;

		assert_false(varint_take(&s, UINT64_MAX, &v));
		assert_int_equal(s.n, wrong[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
