#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "placement/demand.h"

static bool
is_near(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

static double
rate_of(const struct demand *d, uint64_t key)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->keys[i].key.hash == key)
			return d->keys[i].rate.rate;
	return 0;
}

static double
work_of(const struct demand *d)
{
	double sum = 0;

	for (size_t i = 0; i < d->n; i++) {
		assert_true(i == 0 ||
			d->keys[i - 1].key.hash < d->keys[i].key.hash);
		sum += d->keys[i].rate.work;
	}
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		sum += d->other[m];
	return sum;
}

/* As often now as before; each time 2 of work. */
static struct demand_key
key_of(uint64_t key, double rate, unsigned r)
{
	return (struct demand_key){.key = {.hash = key, .digest = key},
		.rate = {rate, rate, 2 * rate},
		.r = r};
}

static void
report_all(struct demand *d, size_t member, double rate,
	const struct demand_key *keys, size_t n)
{
	demand_add(d, member, &(struct demand_rate){rate, rate, 2 * rate}, keys,
		n);
}

/* Two nodes: 100 requests a second in all, 20 of them for key 5. */
static void
report(struct demand *d)
{
	struct demand_key one[] = {key_of(5, 10, 0), key_of(3, 15, 0)};
	struct demand_key two[] = {key_of(9, 5, 4), key_of(5, 10, 3)};

	demand_init(d);
	report_all(d, 0, 60, one, 2);
	report_all(d, 3, 40, two, 2);
	demand_sum(d);
}

static void
test_adds_up(void **state)
{
	struct demand d;

	report(&d);
	assert_int_equal(d.n, 3);
	assert_true(is_near(rate_of(&d, 5), 20));
	assert_true(is_near(rate_of(&d, 3), 15));
	assert_true(is_near(d.other[0], 70));
	assert_true(is_near(d.other[3], 50));
	assert_true(is_near(work_of(&d), 200));
	assert_true(is_near(d.all.rate, 100));
	demand_fini(&d);
}

/* What has changed beyond doubt counts as it is now; what may be chance
 * doesn't, nor does what would be too much for one node and is chance for
 * all. */
static void
test_changes(void **state)
{
	struct demand_key one[] = {key_of(5, 100, 0), key_of(3, 100, 0)};
	struct demand_key two[] = {key_of(9, 0, 0), key_of(3, 100, 0)};
	struct demand d;

	one[0].rate.recent = 20; /* cooled */
	one[1].rate.recent = 60;
	two[0].rate.recent = 100; /* hot */
	two[1].rate.recent = 140;
	two[0].rate.rate = 1;
	two[0].rate.work = 3;
	demand_init(&d);
	demand_add(&d, 0, &(struct demand_rate){300, 180, 600}, one, 2);
	demand_add(&d, 1, &(struct demand_rate){201, 340, 403}, two, 2);
	demand_sum(&d);
	assert_true(is_near(rate_of(&d, 5), 20));
	assert_true(is_near(rate_of(&d, 9), 100));
	assert_true(is_near(rate_of(&d, 3), 200));
	assert_true(is_near(d.all.rate, 520));
	assert_true(is_near(work_of(&d), 2 * 20 + 3 * 100 + 2 * 400));
	demand_fini(&d);
}

/* What may be chance is evened out, with the work that it is; what is not,
 * hardly. */
static void
test_tempers(void **state)
{
	struct demand_key alike[] = {
		key_of(1, .16, 0), key_of(2, .2, 0), key_of(3, .24, 0)};
	struct demand_key unlike[] = {key_of(1, 10, 0), key_of(2, 100, 0)};
	struct demand d;

	demand_init(&d);
	report_all(&d, 0, .6, alike, 3);
	demand_sum(&d);
	demand_temper(&d);
	for (uint64_t key = 1; key <= 3; key++)
		assert_true(is_near(rate_of(&d, key), .2));
	assert_true(is_near(work_of(&d), 2 * .6));
	demand_fini(&d);

	demand_init(&d);
	report_all(&d, 0, 110, unlike, 2);
	demand_sum(&d);
	demand_temper(&d);
	assert_true(rate_of(&d, 1) > 10 && rate_of(&d, 1) < 10.2);
	assert_true(rate_of(&d, 2) < 100 && rate_of(&d, 2) > 99.8);
	demand_fini(&d);
}

/* All have gone. */
static void
test_stops(void **state)
{
	struct demand_key one[] = {key_of(5, 100, 0)};
	struct demand d;

	one[0].rate.recent = 0;
	demand_init(&d);
	demand_add(&d, 0, &(struct demand_rate){1000, 0, 2000}, one, 1);
	demand_sum(&d);
	assert_true(d.all.rate == 0 && work_of(&d) == 0);
	demand_fini(&d);
}

/* What is new, or more than was told, counts at once; the rest is what is left.
 * What may be chance doesn't. */
static void
test_heeds_clients(void **state)
{
	struct demand_key asked[] = {
		key_of(77, 50, 0), key_of(5, 22, 0), key_of(3, 9, 0)};
	struct demand d;

	report(&d);
	demand_heed(&d, asked, 3, 100);
	assert_int_equal(d.n, 4);
	assert_true(is_near(rate_of(&d, 77), 50));
	assert_true(is_near(rate_of(&d, 5), 10));
	assert_true(is_near(d.other[0], 35));
	assert_true(is_near(work_of(&d), 200));
	demand_fini(&d);
	report(&d);
	asked[1].rate.rate = 40;
	demand_heed(&d, &asked[1], 1, 100);
	assert_true(is_near(rate_of(&d, 5), 40));
	assert_true(is_near(rate_of(&d, 3), 15 * .6 / .8));
	assert_true(is_near(work_of(&d), 200));
	demand_fini(&d);
}

static void
test_nothing(void **state)
{
	struct demand_key asked = key_of(1, 50, 0);
	struct demand d;

	demand_init(&d);
	demand_sum(&d);
	demand_heed(&d, NULL, 0, 0);
	assert_int_equal(d.n, 0);
	assert_true(work_of(&d) == 0);
	demand_heed(&d, &asked, 1, 50);
	assert_true(rate_of(&d, 1) == 50);
	demand_fini(&d);
}

static struct place *
place_of(const struct policy *policy, size_t nodes)
{
	static _Atomic uint64_t turn;
	struct place_params params = {0};
	static struct view v;

	v = (struct view){0};
	for (size_t i = 0; i < nodes; i++) {
		struct view_node n = {
			.weight = i == 1 ? 2 : 1, .member = (uint8_t)i};

		snprintf(n.name, sizeof(n.name), "n%zu", i);
		view_add(&v, &n);
	}
	return place_new(policy, &v, &params, &turn, NULL);
}

/* The rankings are the policy's, without those who aren't there. */
static void
check_ranks(const struct policy *policy)
{
	static struct spread_row rows[DEMAND_ROWS];
	struct place *p = place_of(policy, 5);
	struct demand_members m = {.places = &p, .nplaces = 1, .up = 0x1b};
	struct str key = STR("http://a.test/b");
	struct demand_key asked = {
		.key = {place_hash(key), place_digest(p, key), 0},
		.rate.rate = 50};
	struct demand d;
	struct spread s;
	struct ranking r;

	m.in[3] = 30;
	m.in[4] = -1;
	report(&d);
	demand_heed(&d, &asked, 1, 100);
	demand_spread(&d, &m, NULL, rows, &s);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.nodes, 4);
	assert_true(s.weight[1] == 2 && s.weight[2] == 0 && s.weight[4] == 1);
	/* of whom nothing is known */
	assert_true(is_near(s.base[1], (s.base[0] + s.base[3]) / 2));
	assert_true(s.in[3] == 30 && s.in[4] > 0 && s.in[4] < 1);
	place_rank(p, key, VIEW_MAX_NODES, &r);
	for (size_t k = 0; k < s.n; k++) {
		size_t at = 0;

		assert_int_equal(rows[k].nowners, 4);
		for (size_t i = 0; s.keys[k].key == place_hash(key) && i < r.n;
			i++)
			if (p->view.nodes[r.node[i]].member != 2)
				assert_int_equal(rows[k].owner[at++],
					p->view.nodes[r.node[i]].member);
	}
	for (size_t k = 0; k < s.n; k++) {
		uint8_t owner = rows[k].owner[0];
		unsigned said = s.keys[k].key == 9 ? 4
			: s.keys[k].key == 5	   ? 3
						   : 1;

		/* 0 is ourselves, 1 and 4 have not said anything */
		assert_int_equal(rows[k].told, owner == 3 ? said : 0);
		assert_int_equal(
			rows[k].heeded, s.keys[k].key == place_hash(key));
	}
	demand_fini(&d);
	place_free(p);
}

static void
test_ranks(void **state)
{
	check_ranks(&policy_maglev);
	check_ranks(&policy_carp);
	check_ranks(&policy_ring);
}

/* What can't be spread is of whom it was told by: where nodes don't agree on
 * rankings, and what another configuration places. */
static void
test_stays(void **state)
{
	static struct spread_row rows[DEMAND_ROWS];
	struct place *p = place_of(&policy_ht_rr, 5);
	struct place *q = place_of(&policy_hrw, 5);
	struct place *both[] = {p, q};
	struct demand_members m = {.places = both, .nplaces = 2, .up = 0x1f};
	struct demand_key keys[] = {
		key_of(5, 10, 0), key_of(6, 10, 0), key_of(7, 10, 0)};
	struct demand d;
	struct spread s;

	keys[1].key.place = 1;
	keys[2].key.place = 2;
	demand_init(&d);
	report_all(&d, 2, 60, keys, 3);
	report_all(&d, 3, 40, NULL, 0);
	demand_sum(&d);
	demand_spread(&d, &m, NULL, rows, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.keys[0].key, 6);
	assert_true(is_near(s.base[2], .5));
	demand_fini(&d);
	place_free(p);
	place_free(q);
}

/* However many keys are told of, the largest are spread, and nothing is lost.
 */
static void
test_many_keys(void **state)
{
	enum { KEYS = 3000, LARGE = 400, MEMBERS = 60 };
	static struct spread_row rows[DEMAND_ROWS];
	static struct demand_key keys[KEYS];
	struct place *p = place_of(&policy_hrw, MEMBERS);
	struct demand_members m = {
		.places = &p, .nplaces = 1, .up = (UINT64_C(1) << MEMBERS) - 1};
	struct demand d;
	struct spread s;
	double sum = 0;

	for (size_t i = 0; i < KEYS; i++)
		keys[i] = key_of(i, i < LARGE ? 100 + (double)i : .1, 0);
	keys[LARGE].r = 2; /* small, but held by several */
	demand_init(&d);
	report_all(&d, 1, 0, keys, KEYS);
	demand_sum(&d);
	demand_spread(&d, &m, NULL, rows, &s);
	assert_in_range(s.n, 100, DEMAND_ROWS);
	for (size_t k = 0; k < s.n; k++) {
		assert_true(s.keys[k].key > LARGE - DEMAND_ROWS - 1 &&
			s.keys[k].key <= LARGE);
		sum += s.keys[k].share;
	}
	assert_int_equal(s.keys[s.n - 1].key, LARGE);
	sum += s.base[1];
	assert_true(is_near(sum, 1));
	demand_fini(&d);
	place_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_up),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_tempers),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_heeds_clients),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
