#include "bench/zipf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { RANKS = 50, DRAWS = 500000 };

static void
ranks_come_in_proportion(void **state)
{
	unsigned count[RANKS] = {0};
	double sum = 0;
	struct zipf z;

	zipf_init(&z, RANKS, 0.8, 42);
	for (unsigned i = 0; i < DRAWS; i++) {
		size_t k = zipf_next(&z);

		assert_true(k < RANKS);
		count[k]++;
	}
	zipf_fini(&z);
	for (unsigned k = 0; k < RANKS; k++)
		sum += pow(k + 1, -0.8);
	for (unsigned k = 0; k < RANKS; k++) {
		double want = DRAWS * pow(k + 1, -0.8) / sum;

		/* five standard deviations */
		assert_true(fabs(count[k] - want) < 5 * sqrt(want));
	}
}

static void
one_rank_is_all(void **state)
{
	struct zipf z;

	zipf_init(&z, 1, 1, 7);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(zipf_next(&z), 0);
	zipf_fini(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_come_in_proportion),
		cmocka_unit_test(one_rank_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
