#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>

#include "placement/hotset.h"

enum { NODES = 16 };

/* All nodes are alike, and each key's ranking is theirs in order, from a node
 * of its own on. */
static void
put_rows(struct spread *s, struct spread_row *rows)
{
	s->nodes = NODES;
	s->rows = rows;
	for (size_t m = 0; m < NODES; m++)
		s->weight[m] = s->in[m] = 1;
	for (size_t k = 0; k < s->n; k++) {
		rows[k] = (struct spread_row){.nowners = NODES, .was = 1};
		for (size_t i = 0; i < NODES; i++)
			rows[k].owner[i] =
				(uint8_t)((5 * s->keys[k].key + i) % NODES);
	}
}

static struct hotset *
next_of(struct hotset *before, struct widen_key *keys, size_t n, double extra)
{
	static struct spread_row rows[100];
	struct spread s = {.keys = keys, .n = n};
	struct hotset *now;

	put_rows(&s, rows);
	for (size_t k = 0; k < n; k++) {
		const struct hot *h = hotset_find(before, keys[k].key);

		rows[k].was = h ? h->r : 1;
	}
	now = hotset_next(before, &s, extra);
	free(before);
	return now;
}

/* Key 1 with that share, and key 2 with 0.3; the rest is many others'. */
static struct hotset *
next(struct hotset *before, double share)
{
	struct widen_key keys[] = {{1, share, 0}, {2, .3, 0}};

	return next_of(before, keys, share > 0 ? 2 : 0, 4000);
}

static unsigned
width(const struct hotset *s, uint64_t key)
{
	const struct hot *h = hotset_find(s, key);

	return h ? h->r : 1;
}

static void
test_widens_at_once(void **state)
{
	struct hotset *s = next(NULL, 0.01);

	assert_int_equal(width(s, 1), 4);
	assert_int_equal(width(s, 2), 16);
	assert_int_equal(width(s, 3), 1);
	assert_int_equal(hotset_extra(s), 3 + 15);
	s = next(s, 0.02);
	assert_int_equal(width(s, 1), 7);
	free(s);
}

/* Fewer nodes hold it only when fewer would have done for a while, though it
 * were half as hot again. */
static void
test_narrows_by_and_by(void **state)
{
	struct hotset *s = next(NULL, 0.02);

	for (int i = 0; i < HOTSET_COOL - 1; i++) {
		s = next(s, 0.01);
		assert_int_equal(width(s, 1), 7);
	}
	s = next(s, 0.02); /* but no: begin anew */
	for (int i = 0; i < HOTSET_COOL - 1; i++) {
		s = next(s, 0.01);
		assert_int_equal(width(s, 1), 7);
	}
	s = next(s, 0.01);
	assert_int_equal(width(s, 1), 5);
	free(s);
}

/* The same for keys that nobody tells of any more. */
static void
test_forgets(void **state)
{
	struct hotset *s = next(NULL, 0.02);

	for (int i = 0; i < HOTSET_COOL - 1; i++) {
		s = next(s, 0);
		assert_int_equal(width(s, 1), 7);
		assert_int_equal(width(s, 2), 16);
	}
	s = next(s, 0);
	assert_int_equal(s->n, 0);
	free(s);
}

/* However popularity wanders, about as many copies as the budget allows: what
 * is yet to be narrowed leaves the less for others. */
static void
test_keeps_the_budget(void **state)
{
	struct widen_key keys[100];
	struct hotset *s = NULL;

	for (unsigned step = 0; step < 60; step++) {
		for (unsigned i = 0; i < 100; i++)
			keys[i] = (struct widen_key){i,
				1.0 / (5.2 * ((i + 7 * (step / 10)) % 100 + 1)),
				0};
		s = next_of(s, keys, 100, 35);
		/* once the old ones have gone */
		if (step % 10 == 9)
			assert_true(hotset_extra(s) <= 36);
		assert_true(hotset_extra(s) <= 70);
	}
	free(s);
}

/* Of a key that is another's to decide on, we go by what he says; unless our
 * clients say more. */
static void
test_owner_says(void **state)
{
	struct widen_key keys[] = {{1, .3, 0}, {2, .3, 0}, {3, .3, 0}};
	struct spread_row rows[3] = {
		{.nowners = 4, .owner = {0, 1, 2, 3}, .told = 2},
		{.nowners = 4,
			.owner = {1, 2, 3, 0},
			.told = 1,
			.heeded = true},
		{.nowners = 4, .owner = {2, 3, 0, 1}, .told = 1},
	};
	struct spread s = {.keys = keys, .rows = rows, .n = 3, .nodes = 4};
	struct hotset *now, *later;

	for (size_t m = 0; m < 4; m++)
		s.weight[m] = 1;
	now = hotset_next(NULL, &s, 100);
	assert_int_equal(width(now, 1), 2);
	assert_int_equal(width(now, 2), 4);
	assert_int_equal(width(now, 3), 1);
	assert_false(now->v[0].ours);
	/* what he doesn't tell of any more is hot no more, at once */
	s.n = 0;
	later = hotset_next(now, &s, 100);
	assert_int_equal(later->n, 0);
	free(now);
	free(later);
}

/* --- who answers ---------------------------------------------------------- */

enum { DRAWS = 100000, PARTS = 4 };

/* Of a key's requests, each part is answered by whom it is for, however many
 * come to each node; and as much as can be where it came. in: NULL: alike. */
static void
check_parts(const float *part, const double *in)
{
	static const uint8_t fit[PARTS] = {9, 2, 0, 7};
	struct spread_row row = {.nowners = PARTS};
	struct spread s = {.nodes = NODES};
	double answered[NODES] = {0}, home = 0, sum = 0, best = 0, all = 0;
	double comes[NODES];

	for (size_t m = 0; m < NODES; m++) {
		s.weight[m] = 1;
		all += s.in[m] = in ? in[m] : 1;
	}
	for (size_t m = 0; m < NODES; m++)
		comes[m] = s.in[m] / all;
	for (size_t i = 0; i < PARTS; i++) {
		row.owner[i] = fit[i];
		row.part[i] = part[i];
		sum += (double)part[i];
	}
	for (size_t self = 0; self < NODES; self++) {
		struct hot h = {.r = PARTS};

		s.self = self;
		hot_share_out(&h, &s, &row);
		for (unsigned i = 0; i < DRAWS; i++) {
			size_t at = hot_choose(&h, fit, PARTS, self,
				((double)i + 0.5) / DRAWS);

			assert_in_range(at, 0, PARTS - 1);
			answered[fit[at]] += comes[self] / DRAWS;
			home += fit[at] == self ? comes[self] / DRAWS : 0;
		}
	}
	for (size_t i = 0; i < PARTS; i++) {
		double want = (double)part[i] / sum;

		assert_true(fabs(answered[fit[i]] - want) < 0.0002);
		best += fmin(want, comes[fit[i]]);
	}
	assert_true(fabs(home - best) < 0.0002);
}

static void
test_parts(void **state)
{
	static const double in[NODES] = {1, 0, 7, 1, 1, 1, 1, 2, 1, 0};

	check_parts((float[]){.25f, .25f, .25f, .25f}, NULL);
	check_parts((float[]){1, 0, 0, 0}, NULL);
	check_parts((float[]){.01f, .02f, .03f, 0}, NULL);
	check_parts((float[]){7, .1f, .2f, .3f}, NULL);
	check_parts((float[]){.25f, .25f, .25f, .25f}, in);
	check_parts((float[]){1, 2, 3, 4}, in);
}

/* Whose parts are not known, or not fit: the first, or ourselves. */
static void
test_no_parts(void **state)
{
	static const uint8_t fit[] = {3, 4};
	struct hot h = {.r = 2};

	assert_int_equal(hot_choose(&h, fit, 2, 5, .99), 0);
	assert_int_equal(hot_choose(&h, fit, 2, 4, .99), 1);
	h.wanted[5] = 1;
	assert_int_equal(hot_choose(&h, fit, 2, 5, .01), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widens_at_once),
		cmocka_unit_test(test_narrows_by_and_by),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_keeps_the_budget),
		cmocka_unit_test(test_owner_says),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_no_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
