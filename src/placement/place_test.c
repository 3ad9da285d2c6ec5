#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>

#include "placement/place.h"

enum { KEYS = 20000 };

static struct view
view_of(unsigned from, unsigned to)
{
	struct view v = {0};
	char name[8];

	for (unsigned i = from; i <= to; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		view_add(&v, str_z(name), 1);
	}
	return v;
}

static uint64_t
owner_id(const struct policy *p, const struct view *v, unsigned key,
	struct ranking *r)
{
	_Atomic uint64_t turn = key;
	char z[32];

	snprintf(z, sizeof(z), "example.org/%u", key);
	p->rank(v, str_z(z), &turn, r);
	return v->nodes[r->node[0]].id;
}

static const struct policy *const policies[] = {
	&policy_hrw, &policy_md5, &policy_rr};

/* A ranking names every node once, whatever the policy. */
static void
test_permutation(void **state)
{
	struct view v = view_of(1, 13);
	struct ranking r;

	for (size_t p = 0; p < 3; p++)
		for (unsigned k = 0; k < 500; k++) {
			unsigned seen = 0;

			owner_id(policies[p], &v, k, &r);
			assert_int_equal(r.n, 13);
			for (size_t i = 0; i < r.n; i++)
				seen |= 1u << r.node[i];
			assert_int_equal(seen, (1u << 13) - 1);
		}
}

/* Each of 16 nodes owns its 1/16, within what sampling allows (5 sigma). */
static void
test_balance(void **state)
{
	struct view v = view_of(1, 16);
	struct ranking r;

	for (size_t p = 0; p < 3; p++) {
		unsigned count[16] = {0};

		for (unsigned k = 0; k < KEYS; k++) {
			owner_id(policies[p], &v, k, &r);
			count[r.node[0]]++;
		}
		for (int i = 0; i < 16; i++)
			assert_in_range(
				count[i], KEYS / 16 - 171, KEYS / 16 + 171);
	}
}

/* hrw: when a node leaves, only its keys move, each to its second rank; the
 * others stay, and the order of the nodes in the file does not matter. */
static void
test_hrw_minimal_move(void **state)
{
	struct view all = view_of(1, 8), less = view_of(2, 8);
	struct ranking r, s;
	unsigned moved = 0;

	for (unsigned k = 0; k < KEYS; k++) {
		uint64_t before = owner_id(&policy_hrw, &all, k, &r);
		uint64_t after = owner_id(&policy_hrw, &less, k, &s);

		if (before == all.nodes[0].id) {
			assert_true(after == all.nodes[r.node[1]].id);
			moved++;
		} else {
			assert_true(after == before);
		}
	}
	assert_in_range(moved, KEYS / 8 - 250, KEYS / 8 + 250);
}

static void
test_hrw_weights(void **state)
{
	struct view v = {0};
	struct ranking r;
	unsigned heavy = 0;

	view_add(&v, STR("a"), 1);
	view_add(&v, STR("b"), 3);
	for (unsigned k = 0; k < KEYS; k++) {
		owner_id(&policy_hrw, &v, k, &r);
		heavy += r.node[0] == 1;
	}
	assert_in_range(heavy, KEYS * 3 / 4 - 310, KEYS * 3 / 4 + 310);
}

static void
test_md5_is_md5(void **state)
{
	struct view v = view_of(1, 16);
	struct ranking r;
	_Atomic uint64_t turn = 0;

	/* md5("abc") = 900150983cd24fb0 d6963f7d28e17f72 (RFC 1321) */
	policy_md5.rank(&v, STR("abc"), &turn, &r);
	assert_int_equal(r.node[0], 0x900150983cd24fb0 % 16);
	assert_int_equal(r.node[1], (0x900150983cd24fb0 + 1) % 16);
}

static void
test_checksum(void **state)
{
	struct view a = {0}, b = {0}, c = {0};

	view_add(&a, STR("x"), 1), view_add(&a, STR("y"), 2);
	view_add(&b, STR("y"), 2), view_add(&b, STR("x"), 1);
	view_add(&c, STR("y"), 1), view_add(&c, STR("x"), 2);
	assert_true(view_checksum(&a) == view_checksum(&b));
	assert_true(view_checksum(&a) != view_checksum(&c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permutation),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_hrw_minimal_move),
		cmocka_unit_test(test_hrw_weights),
		cmocka_unit_test(test_md5_is_md5),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
