#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/pages.h"

static void
test_accounts(void **state)
{
	struct budget budget = {.limit_bytes = 32 << 20};
	struct pages *p = pages_new(&budget);
	char *at[2000];
	size_t n = 0;

	while (n < 2000 && (at[n] = pages_get(p, 60000, PAGES_NEW)))
		memset(at[n++], 1, 60000);
	/* all of it and a quarter, and then no more */
	assert_in_range(n, (32 << 20) / 60000, (48 << 20) / 60000);
	assert_int_equal(budget.used_bytes, n * 60000);
	for (size_t i = 0; i < n; i++)
		pages_put(p, at[i], 60000);
	assert_int_equal(budget.used_bytes, 0);
	assert_true(pages_lost_bytes(p) <= 2 << 20);
	pages_free(p);
}

/* What has been queued by sendfile() keeps its content, however often its
 * memory is let go and used again. */
static void
test_queued_bytes_stay(void **state)
{
	struct budget budget = {.limit_bytes = 128 << 20};
	struct pages *p = pages_new(&budget);
	char *at, got[30000];
	int64_t offset;
	int pair[2], file;
	off_t from;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	at = pages_get(p, sizeof(got), PAGES_NEW);
	memset(at, 'a', sizeof(got));
	assert_true(pages_locate(p, at, &file, &offset));
	from = offset;
	assert_int_equal(
		sendfile(pair[0], file, &from, sizeof(got)), sizeof(got));
	pages_put(p, at, sizeof(got));
	for (int i = 0; i < 20000; i++) {
		char *next = pages_get(p, sizeof(got), PAGES_NEW);

		memset(next, 'b', sizeof(got));
		pages_put(p, next, sizeof(got));
	}
	assert_int_equal(
		recv(pair[1], got, sizeof(got), MSG_WAITALL), sizeof(got));
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], 'a');
	close(pair[0]);
	close(pair[1]);
	pages_free(p);
}

static void
test_locates_its_own(void **state)
{
	struct budget budget = {.limit_bytes = 1 << 20};
	struct pages *p = pages_new(&budget);
	char *at = pages_get(p, 1, PAGES_NEW), read_back = 0;
	int64_t offset;
	int file;

	*at = 'x';
	assert_true(pages_locate(p, at, &file, &offset));
	assert_int_equal(pread(file, &read_back, 1, offset), 1);
	assert_int_equal(read_back, 'x');
	assert_false(pages_locate(p, &read_back, &file, &offset));
	pages_put(p, at, 1);
	pages_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_queued_bytes_stay),
		cmocka_unit_test(test_locates_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
