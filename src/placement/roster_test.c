#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/roster.h"

static uint64_t random_state = 0x9e3779b97f4a7c15;

static unsigned
draw(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

static struct roster_entry
entry(unsigned i)
{
	struct roster_entry e = {.weight = 1};

	snprintf(e.name, sizeof(e.name), "n%u", i);
	e.addr.s_addr = htonl(0x0a000000 + i);
	return e;
}

static struct roster
roster_of(unsigned n)
{
	struct roster r = {0};

	for (unsigned i = 1; i <= n; i++) {
		struct roster_entry e = entry(i);

		assert_int_equal(roster_add(&r, &e), 0);
	}
	return r;
}

/* Something that an operator does at the node that has r. */
static void
change(struct roster *r)
{
	unsigned i = draw((unsigned)r->n);
	struct roster_entry e = entry(50 + draw(8));

	e.joined = roster_number(r) + 1;
	e.version = 1;
	switch (draw(4)) {
	case 0: (void)roster_add(r, &e); return;
	case 1: r->v[i].weight = 1 + draw(5); break;
	default: r->v[i].state = (enum roster_state)draw(ROSTER_STATES);
	}
	r->v[i].version++;
}

static uint64_t
sum_of(const struct roster *r)
{
	struct view v;

	roster_view(r, &v);
	assert_int_equal(v.number, roster_number(r));
	return view_checksum(&v);
}

/* Whatever is changed wherever, and whoever tells whom: once everybody has been
 * told of everything, all have the same view and number. */
static void
test_they_agree(void **state)
{
	enum { NODES = 5 };
	bool lacking;

	for (int run = 0; run < 200; run++) {
		struct roster r[NODES];

		for (int i = 0; i < NODES; i++)
			r[i] = roster_of(NODES);
		for (int step = 0; step < 40; step++) {
			uint64_t before;
			struct roster *some = &r[draw(NODES)];

			if (draw(2))
				change(some);
			before = roster_number(some);
			(void)roster_merge(some, &r[draw(NODES)], &lacking);
			assert_true(roster_number(some) >= before);
		}
		for (int i = 0; i < 2 * NODES; i++)
			(void)roster_merge(
				&r[(i + 1) % NODES], &r[i % NODES], &lacking);
		for (int i = 1; i < NODES; i++) {
			assert_int_equal(
				roster_number(&r[i]), roster_number(&r[0]));
			assert_true(sum_of(&r[i]) == sum_of(&r[0]));
			assert_int_equal(roster_merge(&r[i], &r[0], &lacking),
				ROSTER_SAME);
			assert_false(lacking);
		}
	}
}

static void
test_merge_says(void **state)
{
	struct roster a = roster_of(3), b = roster_of(2);
	bool lacking;

	assert_int_equal(roster_merge(&a, &b, &lacking), ROSTER_SAME);
	assert_true(lacking);
	assert_int_equal(roster_merge(&b, &a, &lacking), ROSTER_NEWS);
	assert_false(lacking);
	a.v[1].state = ROSTER_DRAINED;
	a.v[1].version++;
	assert_int_equal(roster_merge(&a, &b, &lacking), ROSTER_SAME);
	assert_true(lacking);
	assert_int_equal(roster_merge(&b, &a, &lacking), ROSTER_NEWS);
	assert_int_equal(b.v[1].state, ROSTER_DRAINED);
}

static void
test_text(void **state)
{
	struct roster a = roster_of(3), b;
	struct buf text = {0};

	a.v[0].weight = 7;
	a.v[1].state = ROSTER_GONE;
	a.v[1].version = 3;
	a.v[2].joined = 12;
	roster_put(&a, &text);
	assert_true(roster_parse(buf_view(&text), &b));
	assert_memory_equal(&a, &b, sizeof(a));
	buf_fini(&text);
}

static void
test_text_that_is_none(void **state)
{
	static const char *const wrong[] = {
		"",
		"\n",
		"n1",
		"n1 10.0.0.1 1 0 in 0",
		"n1 10.0.0.1 1 0 in\n",
		"n1 10.0.0.1 1 0 in 0 0\n",
		"n1 10.0.0.1 1 0 in 0\n\n",
		"n1 10.0.0.1 0 0 in 0\n",
		"n1 10.0.0.1 1001 0 in 0\n",
		"n1 10.0.0 1 0 in 0\n",
		"n1 10.0.0.1000000000 1 0 in 0\n",
		"n1 0.0.0.0 1 0 in 0\n",
		"n1 0.1.2.3 1 0 in 0\n",
		"n1 224.0.0.1 1 0 in 0\n",
		"n1 255.255.255.255 1 0 in 0\n",
		"n1 10.0.0.1 1 0 out 0\n",
		"n1 10.0.0.1 1 -1 in 0\n",
		"n1 10.0.0.1 1 0 in 18446744073709551615\n",
		"n 1 10.0.0.1 1 0 in 0\n",
		"n\t1 10.0.0.1 1 0 in 0\n",
		"n1 10.0.0.1 1 0 in 0\nn1 10.0.0.2 1 0 in 0\n",
	};
	struct roster r;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (roster_parse(str_z(wrong[i]), &r))
			fail_msg("%s", wrong[i]);
}

static void
test_full(void **state)
{
	struct roster r = roster_of(VIEW_MAX_NODES), more = roster_of(1);
	struct roster_entry e = entry(1000);
	bool lacking;

	assert_int_equal(roster_add(&r, &e), -ENOSPC);
	assert_int_equal(roster_add(&more, &e), 0);
	assert_int_equal(roster_add(&more, &e), -EEXIST);
	assert_int_equal(roster_merge(&r, &more, &lacking), ROSTER_SAME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_they_agree),
		cmocka_unit_test(test_merge_says),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_that_is_none),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
