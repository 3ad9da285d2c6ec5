#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/copies.h"

/* What a node has of others' is not its own, be it all that it has. */
static void
test_leave(void **state)
{
	static struct copies c;

	copies_init(&c);
	assert_int_equal(copies_leave(&c, 0), 0);
	assert_int_equal(copies_leave(&c, 3), 3);
	copies_note(&c, 7, 0);
	copies_note(&c, 8, 0);
	copies_note(&c, 7, 0);
	assert_int_equal(copies_leave(&c, 3), 1);
	assert_int_equal(copies_leave(&c, 2), 0);
	assert_int_equal(copies_leave(&c, 1), 0); /* one was evicted */
	copies_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
