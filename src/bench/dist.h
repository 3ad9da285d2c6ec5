#pragma once
/*
 * The distributions that models of web traffic are made of: each by its
 * quantile function, of which a random u in (0, 1) makes a draw, and by its
 * cumulative distribution function, against which draws are tested.
 */

/* density exp(-(ln x - mu)^2 / 2 sigma^2) / (x sigma sqrt(2 pi)), x > 0 */
struct lognormal {
	double mu, sigma;
};
/* density alpha k^alpha x^-(alpha + 1), x >= k */
struct pareto {
	double k, alpha;
};
/* density (b x^(b - 1) / a^b) exp(-(x / a)^b), x > 0: scale a, shape b */
struct weibull {
	double a, b;
};

double normal_cdf(double x);
double normal_quantile(double u);
double lognormal_cdf(const struct lognormal *d, double x);
double lognormal_quantile(const struct lognormal *d, double u);
double pareto_cdf(const struct pareto *d, double x);
double pareto_quantile(const struct pareto *d, double u);
double weibull_cdf(const struct weibull *d, double x);
double weibull_quantile(const struct weibull *d, double u);
