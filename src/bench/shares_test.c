#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>

#include "bench/shares.h"

static struct shares s;

static void
count(const char *ingress, const char *owner, uint64_t second, unsigned n)
{
	struct trail t = {.ingress = str_z(ingress), .owner = str_z(owner)};

	while (n--)
		shares_count(&s, &t, second);
}

static void
test_counts(void **state)
{
	s = (struct shares){0};
	assert_true(shares_peak(&s) == 0 && shares_peak_in(&s, 0) == 0);
	count("n1", "n1", 0, 3);
	count("n2", "n1", 0, 3);
	count("n1", "n2", 2, 2);
	count("", "", 2, 5); /* no trail */
	assert_int_equal(s.nnodes, 2);
	assert_int_equal(s.seconds, 3);
	assert_int_equal(s.nodes[0].taken, 5);
	assert_int_equal(s.nodes[0].served, 6);
	assert_true(shares_peak(&s) == 1.5);
	assert_true(shares_peak_in(&s, 0) == 2);
	assert_true(shares_peak_in(&s, 1) == 0);
}

/* More nodes, longer names and later seconds than there is room for. */
static void
test_bounds(void **state)
{
	char name[64];

	s = (struct shares){0};
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		count(name, name, SHARES_SECONDS + i, 1);
	}
	snprintf(name, sizeof(name), "%063d", 1);
	count(name, name, 0, 1);
	assert_int_equal(s.nnodes, SHARES_NODES);
	assert_int_equal(s.seconds, 0);
	assert_true(shares_peak(&s) == 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
