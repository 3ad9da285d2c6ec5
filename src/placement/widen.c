#include "placement/widen.h"

#include <math.h>

static unsigned
copies_of(double share, unsigned nodes, double theta)
{
	double r = ceil(share * nodes / theta);

	return r < 1 ? 1 : r > nodes ? nodes : (unsigned)r;
}

static double
extra_copies(
	const struct widen_key *keys, size_t n, unsigned nodes, double theta)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += copies_of(keys[i].share, nodes, theta) - 1;
	return sum;
}

double
widen(struct widen_key *keys, size_t n, unsigned nodes, double extra)
{
	double low = WIDEN_THETA_LEAST, high = WIDEN_THETA_MOST;
	bool fits;

	if (extra_copies(keys, n, nodes, low) <= extra)
		high = low;
	/* high fits, as far as is known; low does not */
	for (int i = 0; i < 20 && high > low; i++) {
		double theta = sqrt(low * high);

		if (extra_copies(keys, n, nodes, theta) <= extra)
			high = theta;
		else
			low = theta;
	}
	fits = extra_copies(keys, n, nodes, high) <= extra;
	for (size_t i = 0; i < n; i++)
		keys[i].r = fits ? copies_of(keys[i].share, nodes, high) : 1;
	return high;
}
