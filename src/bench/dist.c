/* See dist.h. */
#include "bench/dist.h"

#include <math.h>

double
normal_cdf(double x)
{
	return erfc(-x / M_SQRT2) / 2;
}

/* By halving: plain, and exact to the last digits that matter. */
double
normal_quantile(double u)
{
	double low = -9, high = 9;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (normal_cdf(middle) < u)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

double
lognormal_cdf(const struct lognormal *d, double x)
{
	return x > 0 ? normal_cdf((log(x) - d->mu) / d->sigma) : 0;
}

double
lognormal_quantile(const struct lognormal *d, double u)
{
	return exp(d->mu + d->sigma * normal_quantile(u));
}

double
pareto_cdf(const struct pareto *d, double x)
{
	return x > d->k ? 1 - pow(d->k / x, d->alpha) : 0;
}

double
pareto_quantile(const struct pareto *d, double u)
{
	return d->k / pow(1 - u, 1 / d->alpha);
}

double
weibull_cdf(const struct weibull *d, double x)
{
	return x > 0 ? 1 - exp(-pow(x / d->a, d->b)) : 0;
}

double
weibull_quantile(const struct weibull *d, double u)
{
	return d->a * pow(-log(1 - u), 1 / d->b);
}
