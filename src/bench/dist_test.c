#include "bench/dist.h"

#include "bench/pick.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
assert_near(double a, double b)
{
	if (fabs(a - b) > 1e-6 * (fabs(b) + 1e-3))
		fail_msg("%.9g is not %.9g", a, b);
}

/* Values from tables, or of the formulas by hand. */
static void
functions_have_their_known_values(void **state)
{
	const struct lognormal l = {9.357, 1.318};
	const struct pareto p = {1, 1.5};
	const struct weibull w = {1.46, 0.382};

	assert_near(normal_cdf(0), 0.5);
	assert_near(normal_cdf(1.959963985), 0.975);
	assert_near(normal_cdf(-3), 0.00134989803);
	assert_near(normal_quantile(0.975), 1.959963985);
	assert_near(normal_quantile(0.5), 0);
	assert_near(lognormal_quantile(&l, 0.5), exp(9.357));
	assert_near(lognormal_cdf(&l, 0), 0);
	assert_near(pareto_cdf(&p, 1), 0);
	assert_near(pareto_cdf(&p, 4), 1 - 1 / 8.0);
	assert_near(pareto_quantile(&p, 1 - 1 / 8.0), 4);
	assert_near(weibull_cdf(&w, 1.46), 1 - exp(-1));
	assert_near(weibull_quantile(&w, 1 - exp(-1)), 1.46);
}

static void
quantiles_undo_cdfs(void **state)
{
	const struct lognormal l = {1.5, 0.8};
	const struct pareto p = {1000, 1};
	const struct weibull w = {1.46, 0.382};

	for (double u = 0.001; u < 1; u += 0.0173) {
		assert_near(normal_cdf(normal_quantile(u)), u);
		assert_near(lognormal_cdf(&l, lognormal_quantile(&l, u)), u);
		assert_near(pareto_cdf(&p, pareto_quantile(&p, u)), u);
		assert_near(weibull_cdf(&w, weibull_quantile(&w, u)), u);
	}
}

static void
random_numbers_are_even(void **state)
{
	enum { N = 100000 };
	struct rng r = {1}, again = {1};
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < N; i++) {
		double u = rng_unit(&r);

		assert_true(u > 0 && u < 1);
		assert_true(u == rng_unit(&again));
		sum += u;
		squares += u * u;
	}
	/* five standard deviations */
	assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
	assert_true(fabs(squares / N - 1.0 / 3) < 5 * sqrt(4.0 / 45 / N));
}

static void
things_are_picked_by_weight(void **state)
{
	enum { N = 200000 };
	static const double weights[] = {0, 350, 500, 140, 0, 9, 1};
	double count[7] = {0};
	struct pick p;

	pick_init(&p, weights, 7, 3);
	for (unsigned i = 0; i < N; i++)
		count[pick_next(&p)]++;
	pick_fini(&p);
	for (unsigned i = 0; i < 7; i++) {
		double want = N * weights[i] / 1000;

		assert_true(fabs(count[i] - want) <= 5 * sqrt(want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_have_their_known_values),
		cmocka_unit_test(quantiles_undo_cdfs),
		cmocka_unit_test(random_numbers_are_even),
		cmocka_unit_test(things_are_picked_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
