#include "placement/carp.h"

#include <math.h>

static uint32_t
rotate(uint32_t v, unsigned bits)
{
	return v << bits | v >> (32 - bits);
}

uint32_t
carp_hash_url(struct str url)
{
	uint32_t h = 0;

	for (size_t i = 0; i < url.n; i++)
		h += rotate(h, 19) + (unsigned char)url.p[i];
	return h;
}

static uint32_t
finish(uint32_t h)
{
	h += h * 0x62531965u;
	return rotate(h, 21);
}

uint32_t
carp_hash_member(struct str name)
{
	return finish(carp_hash_url(name));
}

uint32_t
carp_combine(uint32_t url, uint32_t member)
{
	return finish(url ^ member);
}

/* The next larger load than that at `last` in the order (load, index), or the
 * smallest if last is n: its index. */
static size_t
next_larger(const double *loads, size_t n, size_t last)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		bool after = last == n || loads[i] > loads[last] ||
			(loads[i] == loads[last] && i > last);

		if (after && (best == n || loads[i] < loads[best]))
			best = i;
	}
	return best;
}

/* X_1 = (K p_1)^(1/K), and for k = 2..K, with p ascending,
 * X_k = ((K-k+1)(p_k - p_(k-1)) / (X_1 ... X_(k-1)) + X_(k-1)^(K-k+1))
 * to the power of 1/(K-k+1). */
void
carp_multipliers(const double *loads, size_t n, double *out)
{
	double sum = 0, product = 1, x = 0, before = 0;
	size_t at = n;

	for (size_t i = 0; i < n; i++)
		sum += loads[i];
	for (size_t k = 1; k <= n; k++) {
		double rest = (double)(n - k + 1), p;

		at = next_larger(loads, n, at);
		p = loads[at] / sum;
		x = pow(rest * (p - before) / product +
				(k > 1 ? pow(x, rest) : 0),
			1 / rest);
		out[at] = x;
		product *= x;
		before = p;
	}
}
