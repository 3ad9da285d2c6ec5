#include "bench/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void
any_part_is_the_same_as_in_the_whole(void **state)
{
	uint64_t seed = content_seed(STR("/a.gif"));
	unsigned char whole[100], part[100];

	content_fill(seed, 0, whole, sizeof(whole));
	for (size_t from = 0; from < 20; from++)
		for (size_t n = 0; from + n <= sizeof(whole); n++) {
			content_fill(seed, from, part, n);
			assert_memory_equal(part, whole + from, n);
			assert_true(content_equal(seed, from, part, n));
		}
}

static void
one_wrong_byte_is_seen_wherever_it_is(void **state)
{
	uint64_t seed = content_seed(STR("/a.gif"));
	unsigned char bytes[61];

	content_fill(seed, 5, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		assert_false(content_equal(seed, 5, bytes, sizeof(bytes)));
		bytes[i] ^= 1;
	}
	assert_false(content_equal(seed, 6, bytes, sizeof(bytes)));
	assert_false(content_equal(
		content_seed(STR("/b.gif")), 5, bytes, sizeof(bytes)));
}

static void
a_file_has_the_size_and_the_bytes(void **state)
{
	char path[] = "/tmp/sevenfold-content-XXXXXX";
	int fd = mkstemp(path);
	static char bytes[40000];

	assert_true(fd >= 0);
	assert_int_equal(content_write_file(path, 7, 33333), 0);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 33333);
	assert_true(content_equal(7, 0, bytes, 33333));
	close(fd);
	unlink(path);
	assert_true(content_write_file("/nowhere/at/all", 7, 1) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_part_is_the_same_as_in_the_whole),
		cmocka_unit_test(one_wrong_byte_is_seen_wherever_it_is),
		cmocka_unit_test(a_file_has_the_size_and_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
