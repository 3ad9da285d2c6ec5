/*
 * The loop as a whole (crowd_sim.h): what comes of it, in the long run, after
 * something new has become hot, and when that is over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/crowd_sim.h"

static void
set_up(double alpha, unsigned site)
{
	double sum = 0;

	sim_start(site);
	for (size_t k = 0; k < OBJECTS; k++)
		upto[k] = sum += pow((double)k + 1, -alpha);
	for (size_t k = 0; k < OBJECTS; k++)
		upto[k] /= sum;
}

/* Ticks until nobody but its owner holds what was hot. */
static unsigned
cool_down(void)
{
	double answers[NODES] = {0};
	unsigned ticks = 0;

	flash = 0;
	while (copies_of(FLASH) > 1 && ticks < 100) {
		tick(answers);
		ticks++;
	}
	return ticks;
}

static void
check(double alpha, unsigned site)
{
	double before, held, after;
	unsigned ticks;

	set_up(alpha, site);
	(void)peak_over(40);
	before = peak_over(40);
	held = copies();
	flash = .5;
	(void)peak_over(8);
	after = peak_over(16);
	(void)peak_over(20);
	ticks = cool_down();
	print_message("Zipf %.1f: peak %.3f, %.2f copies; from 2 s after the "
		      "flash crowd on %.3f; %.2f s to cool\n",
		alpha, before, held, after, ticks / 4.);
	assert_true(before < 1.1);
	assert_true(held <= 1.35);
	assert_true(after < 1.2);
	assert_true(ticks <= 20);
	sim_stop();
}

static void
test_crowds(void **state)
{
	for (unsigned site = 0; site < 9; site++)
		check(((double[]){.7, .8, 1})[site % 3], site);
}

/* A crowd that comes and goes every half second is one: its copies stay. */
static void
test_swings(void **state)
{
	double answers[NODES] = {0};
	unsigned least = NODES, narrowed = 0, before = NODES;

	set_up(.8, 1);
	(void)peak_over(40);
	for (unsigned i = 0; i < 80; i++) {
		unsigned now;

		flash = i / 2 % 2 ? 0 : .5;
		tick(answers);
		now = copies_of(FLASH);
		narrowed += i >= 16 && now < before;
		least = i >= 16 && now < least ? now : least;
		before = now;
	}
	print_message("a crowd that comes and goes: narrowed %u times in 16 s, "
		      "to %u at least\n",
		narrowed, least);
	assert_true(least >= 8);
	assert_true(narrowed <= 16);
	sim_stop();
}

/* Where clients come to few nodes, since their connections moved there. */
static void
test_uneven_clients(void **state)
{
	double sum = 0, peak;

	set_up(.8, 1);
	for (size_t i = 0; i < NODES; i++)
		comes[i] = sum += i % 4 ? .5 : 2.5;
	for (size_t i = 0; i < NODES; i++)
		comes[i] /= sum;
	(void)peak_over(40);
	peak = peak_over(40);
	print_message("clients at a quarter of all nodes: peak %.3f\n", peak);
	assert_true(peak < 1.1);
	sim_stop();
}

/* Copies that somebody had to fetch in so many ticks. */
static unsigned
fetched_over(unsigned ticks)
{
	double answers[NODES] = {0};
	unsigned before[OBJECTS], n = 0;

	for (size_t k = 0; k < OBJECTS; k++)
		before[k] = copies_of(k);
	while (ticks--) {
		tick(answers);
		for (size_t k = 0; k < OBJECTS; k++) {
			unsigned now = copies_of(k);

			n += now > before[k] ? now - before[k] : 0;
			before[k] = now;
		}
	}
	return n;
}

/* Large objects, few requests: whom those are for in some seconds is chance,
 * and no reason to fetch copies. */
static void
test_few_requests(void **state)
{
	unsigned fetched;

	set_up(0, 1);
	per_tick = 10;
	(void)peak_over(160);
	fetched = fetched_over(160);
	print_message("of 1,600 requests, equal objects: %u copies fetched, "
		      "peak %.3f\n",
		fetched, peak_over(1600));
	assert_true(fetched < 16);
	sim_stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowds),
		cmocka_unit_test(test_swings),
		cmocka_unit_test(test_uneven_clients),
		cmocka_unit_test(test_few_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
