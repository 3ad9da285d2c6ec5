#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>

#include "bench/placement.h"

static const struct placement_case *
case_of(const struct policy *p)
{
	size_t i = 0;

	while (placement_cases[i].policy != p)
		i++;
	return &placement_cases[i];
}

/* What is exact, whatever the names: mod N, and minimal movement. */
static void
test_measures(void **state)
{
	struct placement_options o = {.keys = 30000, .nodes = 16, .seeds = 2};
	struct placement_result r;

	placement_measure(&o, case_of(&policy_md5), &r);
	assert_true(fabs(r.join - 16.0 / 17) < .01);
	assert_true(r.sd < .04 && r.peak < 1.1 && r.worst >= r.peak);
	placement_measure(&o, case_of(&policy_hrw), &r);
	assert_true(fabs(r.join - 1.0 / 17) < .005);
	assert_true(fabs(r.leave - 1.0 / 16) < .005);
	assert_true(r.lookup_ns > 0 && r.ranking_ns > r.lookup_ns / 4);
	placement_measure(&o, case_of(&policy_rr), &r);
	assert_true(isnan(r.join) && isnan(r.leave));
	placement_measure(&o, case_of(&policy_maglev), &r);
	assert_true(r.bytes > 65537);
}

/* The reference's own figures agree with it; figures of another policy don't.
 */
static void
test_agrees(void **state)
{
	for (size_t i = 0; i < nplacement_cases; i++) {
		const struct placement_case *c = &placement_cases[i];
		struct placement_result r = {.sd = c->sd,
			.peak = c->peak,
			.join = c->join,
			.leave = c->leave};

		if (isnan(c->sd))
			continue;
		assert_true(placement_agrees(c, &r, 10));
		r.sd = c->sd * 2.5 + .01;
		assert_false(placement_agrees(c, &r, 10));
		r.sd = c->sd;
		r.peak = 1 + (c->peak - 1) * 2.5 + .01;
		assert_false(placement_agrees(c, &r, 10));
		r.peak = c->peak;
		r.join = c->join + .2;
		assert_false(placement_agrees(c, &r, 10));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measures),
		cmocka_unit_test(test_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
