#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "placement/place.h"
#include "placement/spread.h"

enum { KEYS = 100, NODES = 16, SITES = 24 };

static struct widen_key keys[KEYS];
static struct spread_row rows[KEYS];
static struct spread spread;

static void
set_up(size_t n, const double *weights, size_t nodes)
{
	spread = (struct spread){
		.keys = keys, .rows = rows, .n = n, .nodes = (unsigned)nodes};
	for (size_t m = 0; m < nodes; m++)
		spread.weight[m] = weights ? weights[m] : 1;
	for (size_t k = 0; k < n; k++) {
		rows[k] = (struct spread_row){.was = 1};
		keys[k] = (struct widen_key){.key = k, .r = 1};
	}
}

static void
put_row(size_t k, double share, unsigned r, const char *owners)
{
	keys[k].share = share;
	keys[k].r = r;
	rows[k].nowners = strlen(owners);
	for (size_t i = 0; owners[i]; i++)
		rows[k].owner[i] = (uint8_t)(owners[i] - 'a');
}

static bool
is_near(double a, double b)
{
	return fabs(a - b) < 1e-4;
}

/* What each node ends up with is what its parts and its base come to. */
static void
check_sums(void)
{
	double load[VIEW_MAX_NODES];

	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		load[m] = spread.base[m];
	for (size_t k = 0; k < spread.n; k++) {
		double sum = 0;

		for (size_t i = 0; i < rows[k].nowners; i++) {
			assert_true(i < keys[k].r || rows[k].part[i] == 0);
			assert_true(rows[k].part[i] >= 0);
			sum += (double)rows[k].part[i];
			load[rows[k].owner[i]] += (double)rows[k].part[i];
		}
		assert_true(is_near(sum, keys[k].share));
	}
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		if (spread.weight[m] > 0)
			assert_true(is_near(
				spread.load[m], load[m] / spread.weight[m]));
}

/* --- levelling ------------------------------------------------------------ */

static void
test_level(void **state)
{
	set_up(2, NULL, 3);
	spread.base[0] = .4;
	put_row(0, .3, 3, "abc");
	put_row(1, .3, 2, "bca");
	spread_level(&spread);
	check_sums();
	assert_true(is_near(spread.load[0], .4));
	assert_true(is_near(spread.load[1], .3));
	assert_true(is_near(spread.load[2], .3));
	assert_true(is_near(spread_peak(&spread), 1.2));
}

/* What one key can't balance, another does: it takes several rounds. */
static void
test_level_by_way_of_others(void **state)
{
	set_up(3, NULL, 4);
	put_row(0, .7, 2, "abcd");
	put_row(1, .2, 2, "bcda");
	put_row(2, .1, 2, "cdab");
	spread_level(&spread);
	check_sums();
	assert_true(spread_peak(&spread) < 1.401);
	assert_true(is_near(rows[1].part[0], 0));
}

static void
test_level_by_weight(void **state)
{
	static const double weights[] = {1, 3};

	set_up(1, weights, 2);
	put_row(0, 1, 2, "ab");
	spread_level(&spread);
	check_sums();
	assert_true(is_near(rows[0].part[0], .25));
	assert_true(is_near(rows[0].part[1], .75));
}

/* --- widening ------------------------------------------------------------- */

static void
test_no_budget(void **state)
{
	set_up(1, NULL, 2);
	put_row(0, 1, 1, "ab");
	spread_widen(&spread, 0);
	check_sums();
	assert_int_equal(keys[0].r, 1);
	set_up(0, NULL, 2);
	spread_widen(&spread, 100);
	assert_true(spread_peak(&spread) == 1);
}

/* Whose owner has much to do anyway is widened, and not the hottest. */
static void
test_widens_where_it_helps(void **state)
{
	set_up(3, NULL, 4);
	spread.base[0] = .20;
	spread.base[1] = .15;
	put_row(0, .24, 1, "dabc");
	put_row(1, .16, 1, "acbd");
	put_row(2, .10, 1, "cbad");
	spread_widen(&spread, 1);
	check_sums();
	assert_int_equal(keys[0].r, 1);
	assert_true(keys[1].r > 1);
	assert_true(spread_peak(&spread) < 1.13);
}

/* The next ones in the ranking have as much to do: it takes three copies until
 * there is one with room. */
static void
test_widens_past_the_full(void **state)
{
	set_up(1, NULL, 4);
	spread.base[1] = spread.base[2] = .3;
	spread.base[3] = .1;
	put_row(0, .3, 1, "abcd");
	spread_widen(&spread, 2);
	assert_int_equal(keys[0].r, 1);
	spread_widen(&spread, 3);
	check_sums();
	assert_int_equal(keys[0].r, 4);
	assert_true(is_near(spread.load[0], .2));
}

/* Copies that are there stay while all is level; are taken back where others
 * are of more use; and with the budget. */
static void
test_begins_with_what_there_is(void **state)
{
	set_up(2, NULL, 4);
	spread.base[2] = spread.base[3] = .25;
	put_row(0, .25, 1, "abcd");
	put_row(1, .25, 1, "bacd");
	rows[0].was = 2;
	spread_widen(&spread, 1);
	assert_int_equal(keys[0].r, 2);
	spread_widen(&spread, 0);
	assert_int_equal(keys[0].r, 1);
	keys[0].share = .05;
	keys[1].share = .45;
	spread_widen(&spread, 1);
	check_sums();
	assert_int_equal(keys[0].r, 1);
	assert_int_equal(keys[1].r, 2);
	assert_true(is_near(spread.load[0], .25));
}

/* 100 objects of many sites, on 16 nodes: by the default policy, within the
 * default budget, the hottest is near the mean, wherever the hashes fall. By
 * the share of each key alone (widen.h) it may be half as much again. */
static void
test_many_sites(void **state)
{
	static struct view v;
	struct place_params params = {0};
	double worst = 0, sum = 0, worst_by_share = 0;
	struct place *p;

	v = (struct view){0};
	for (unsigned i = 1; i <= NODES; i++) {
		struct view_node n = {.weight = 1, .member = (uint8_t)(i - 1)};

		snprintf(n.name, sizeof(n.name), "n%u", i);
		view_add(&v, &n);
	}
	p = place_new(&policy_hrw, &v, &params, NULL, NULL);
	for (unsigned site = 0; site < SITES; site++) {
		double alpha = 0.7 + 0.1 * (site % 4), total = 0, used = 0;

		set_up(KEYS, NULL, NODES);
		for (size_t k = 0; k < KEYS; k++)
			total += pow((double)k + 1, -alpha);
		for (size_t k = 0; k < KEYS; k++) {
			struct ranking r;
			char url[64];

			snprintf(url, sizeof(url), "http://s%u.test/%zu", site,
				k);
			place_rank(p, str_z(url), VIEW_MAX_NODES, &r);
			rows[k].nowners = r.n;
			for (size_t i = 0; i < r.n; i++)
				rows[k].owner[i] = v.nodes[r.node[i]].member;
			keys[k].share = pow((double)k + 1, -alpha) / total;
		}
		widen(keys, KEYS, NODES, 30);
		spread_level(&spread);
		worst_by_share = fmax(worst_by_share, spread_peak(&spread));
		spread_widen(&spread, 30);
		check_sums();
		for (size_t k = 0; k < KEYS; k++)
			used += keys[k].r - 1;
		assert_true(used <= 30);
		worst = fmax(worst, spread_peak(&spread));
		sum += spread_peak(&spread);
	}
	print_message("peaks: %.3f in the mean, %.3f at worst; by share alone "
		      "%.3f\n",
		sum / SITES, worst, worst_by_share);
	assert_true(sum / SITES < 1.01);
	assert_true(worst < 1.05);
	place_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_level_by_way_of_others),
		cmocka_unit_test(test_level_by_weight),
		cmocka_unit_test(test_no_budget),
		cmocka_unit_test(test_widens_where_it_helps),
		cmocka_unit_test(test_widens_past_the_full),
		cmocka_unit_test(test_begins_with_what_there_is),
		cmocka_unit_test(test_many_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
