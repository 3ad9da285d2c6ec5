#include "bench/human.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
counts(void **state)
{
	assert_string_equal(human_count(0).z, "0");
	assert_string_equal(human_count(999).z, "999");
	assert_string_equal(human_count(1000).z, "1,000");
	assert_string_equal(human_count(30969).z, "30,969");
	assert_string_equal(
		human_count(UINT64_MAX).z, "18,446,744,073,709,551,615");
}

static void
bytes(void **state)
{
	assert_string_equal(human_bytes(999).z, "999 B");
	assert_string_equal(human_bytes(1000).z, "1.0 kB");
	assert_string_equal(human_bytes(999949).z, "999.9 kB");
	assert_string_equal(human_bytes(999950).z, "1.0 MB");
	assert_string_equal(human_bytes(51234567).z, "51.2 MB");
	assert_string_equal(human_bytes(UINT64_MAX).z, "18446744.1 TB");
}

static void
times(void **state)
{
	assert_string_equal(human_time(0).z, "0.0 ms");
	assert_string_equal(human_time(449999).z, "0.4 ms");
	assert_string_equal(human_time(9949999).z, "9.9 ms");
	assert_string_equal(human_time(9950000).z, "10 ms");
	assert_string_equal(human_time(999600000).z, "1.00 s");
	assert_string_equal(human_time(3210000000).z, "3.21 s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(bytes),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
