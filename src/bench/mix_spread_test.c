/*
 * The paper's three sets of 100 files, whose sizes differ a thousandfold, on 16
 * nodes: bytes are what is spread, and how few copies can do that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bench/mix.h"
#include "placement/crowd_sim.h"

enum { SITES = 4 };

static double weight[OBJECTS]; /* of all requests */

static void
set_up(const char *name, unsigned site)
{
	struct mix m = {0};
	double sum = 0;

	assert_true(mix_named(&m, str_z(name), 1));
	assert_int_equal(m.catalog.nobjects, OBJECTS);
	sim_start(site);
	for (size_t k = 0; k < OBJECTS; k++) {
		/* a head, and what else the link has of a request */
		bytes[k] = (double)m.catalog.objects[k].bytes + 512;
		upto[k] = sum += m.weights[k];
	}
	for (size_t k = 0; k < OBJECTS; k++) {
		weight[k] = m.weights[k] / sum;
		upto[k] /= sum;
	}
	mix_fini(&m);
}

static double
share(size_t k)
{
	double all = 0;

	for (size_t i = 0; i < OBJECTS; i++)
		all += weight[i] * bytes[i];
	return weight[k] * bytes[k] / all;
}

/* Fewer copies than this can't do: of what is more than a node is to have, each
 * copy takes that at most. */
static double
least_copies(double peak)
{
	double sum = 0;

	for (size_t k = 0; k < OBJECTS; k++)
		sum += fmax(1, ceil(share(k) * NODES / peak - 1e-9));
	return sum / OBJECTS;
}

/* What the busiest is to have by the mean, without chance: as all nodes choose
 * now, in the very long run. */
static double
expected_peak(void)
{
	double load[NODES] = {0}, most = 0;

	for (size_t self = 0; self < NODES; self++)
		for (size_t k = 0; k < OBJECTS; k++) {
			double each = share(k) / NODES, rest = 0;
			const struct hot *h =
				hotset_find(nodes[self].hot, keys[k].hash);
			const uint8_t *owner = rankings[k].node;

			if (!h || h->r < 2) {
				load[owner[0]] += each;
				continue;
			}
			for (size_t i = 0; i < h->r; i++)
				rest += (double)h->wanted[owner[i]];
			load[self] += (double)h->own * each;
			each *= 1 - (double)h->own;
			for (size_t i = 0; rest > 0 && i < h->r; i++)
				load[owner[i]] += each *
					(double)h->wanted[owner[i]] / rest;
			if (rest <= 0)
				load[owner[0]] += each;
		}
	for (size_t m = 0; m < NODES; m++)
		most = fmax(most, load[m] * NODES);
	return most;
}

static void
check(const char *name)
{
	double peak = 0, drawn = 0, held = 0, worst = 0;

	for (unsigned site = 0; site < SITES; site++) {
		double sum = 0;

		set_up(name, site);
		(void)peak_over(60);
		for (unsigned i = 0; i < 10; i++) {
			drawn += peak_over(24);
			sum += expected_peak();
			held += copies();
		}
		worst = fmax(worst, sum / 10);
		peak += sum;
		sim_stop();
	}
	print_message(
		"%s: peak %.3f, %.3f at worst (%.3f with chance, in 6 s), "
		"%.2f copies (at least %.2f)\n",
		name, peak / SITES / 10, worst, drawn / SITES / 10,
		held / SITES / 10, least_copies(1.1));
	assert_true(peak / SITES / 10 <= 1.06);
	assert_true(held / SITES / 10 <= 1.35);
}

static void
test_mixes(void **state)
{
	check("surge-100");
	check("unc-2001");
	check("berkeley-1998");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mixes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
