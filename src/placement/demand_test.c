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
share_of(const struct demand *d, uint64_t key)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->keys[i].key == key)
			return d->keys[i].share;
	return 0;
}

static double
sum_of(const struct demand *d)
{
	double sum = 0;

	for (size_t i = 0; i < d->n; i++) {
		assert_true(i == 0 || d->keys[i - 1].key < d->keys[i].key);
		sum += d->keys[i].share;
	}
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		sum += d->other[m];
	return sum;
}

/* Two nodes: 100 requests a second in all, 20 of them for key 5. */
static void
report(struct demand *d)
{
	static const struct demand_key one[] = {{5, 10, 0}, {3, 15, 0}};
	static const struct demand_key two[] = {{9, 5, 4}, {5, 10, 3}};

	demand_init(d);
	demand_add(d, 0, 60, one, 2);
	demand_add(d, 3, 40, two, 2);
	demand_sum(d);
}

static void
test_adds_up(void **state)
{
	struct demand d;

	report(&d);
	assert_int_equal(d.n, 3);
	assert_true(is_near(share_of(&d, 5), .2));
	assert_true(is_near(share_of(&d, 3), .15));
	assert_true(is_near(d.other[0], .35));
	assert_true(is_near(d.other[3], .25));
	assert_true(is_near(sum_of(&d), 1));
	demand_fini(&d);
}

/* What is new, or more than was told, counts at once; the rest is what is left.
 * What may be chance doesn't. */
static void
test_heeds_clients(void **state)
{
	static const struct demand_key asked[] = {
		{77, 50, 0}, {5, 22, 0}, {3, 9, 0}};
	struct demand d;

	report(&d);
	demand_heed(&d, asked, 3, 100);
	assert_int_equal(d.n, 4);
	assert_true(is_near(share_of(&d, 77), .5));
	assert_true(is_near(share_of(&d, 5), .1));
	assert_true(is_near(d.other[0], .175));
	assert_true(is_near(sum_of(&d), 1));
	demand_heed(&d, (struct demand_key[]){{5, 40, 0}}, 1, 100);
	assert_true(is_near(share_of(&d, 5), .4));
	assert_true(is_near(share_of(&d, 77), .5 * .6 / .9));
	assert_true(is_near(sum_of(&d), 1));
	demand_fini(&d);
}

static void
test_nothing(void **state)
{
	struct demand d;

	demand_init(&d);
	demand_sum(&d);
	demand_heed(&d, NULL, 0, 0);
	assert_int_equal(d.n, 0);
	assert_true(sum_of(&d) == 0);
	demand_heed(&d, (struct demand_key[]){{1, 50, 0}}, 1, 50);
	assert_true(share_of(&d, 1) == 1);
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
test_ranks(void **state)
{
	static struct spread_row rows[4];
	struct place *p = place_of(&policy_maglev, 5);
	struct demand d;
	struct spread s;
	struct ranking r;
	struct str key = STR("http://a.test/b");

	report(&d);
	demand_heed(
		&d, (struct demand_key[]){{place_hash(key), 50, 0}}, 1, 100);
	demand_spread(&d, &(struct demand_members){p, 0x1b, 0}, NULL, rows, &s);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.nodes, 4);
	assert_true(s.weight[1] == 2 && s.weight[2] == 0 && s.weight[4] == 1);
	/* of whom nothing is known */
	assert_true(is_near(s.base[1], (d.other[0] + d.other[3]) / 2));
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
	place_free(p);
	/* whose rankings need the key itself */
	p = place_of(&policy_carp, 5);
	demand_spread(&d, &(struct demand_members){p, 0x1f, 0}, NULL, rows, &s);
	assert_null(s.rows);
	assert_int_equal(s.nodes, 5);
	place_free(p);
	demand_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_up),
		cmocka_unit_test(test_heeds_clients),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
