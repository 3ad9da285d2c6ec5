/*
 * What moves when the members change: sequences of joins, leaves, returns and
 * new weights, drawn at random, for all policies that promise that no key moves
 * between two nodes that stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/place.h"

enum { KEYS = 1500, STEPS = 30, RUNS = 4 };

static uint64_t random_state;

static unsigned
draw(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

static struct str
key_of(unsigned k, char *z, size_t size)
{
	snprintf(z, size, "http://example.org/%u", k);
	return str_z(z);
}

static void
owners(const struct place *p, uint64_t *out)
{
	struct ranking r;
	char z[48];

	for (unsigned k = 0; k < KEYS; k++) {
		place_rank(p, key_of(k, z, sizeof(z)), 1, &r);
		out[k] = p->view.nodes[r.node[0]].id;
	}
}

static struct view_node
new_node(unsigned number, uint64_t joined, unsigned weight)
{
	struct view_node n = {.weight = weight, .joined = joined};

	snprintf(n.name, sizeof(n.name), "n%u", number);
	return n;
}

/* The same members, added in another order. */
static struct view
shuffled(const struct view *v)
{
	struct view out = {0};
	uint64_t added = 0;

	while (out.nnodes < v->nnodes) {
		unsigned i = draw((unsigned)v->nnodes);

		if (added & UINT64_C(1) << i)
			continue;
		added |= UINT64_C(1) << i;
		view_add(&out, &v->nodes[i]);
	}
	return out;
}

static struct view
with(const struct view *v, size_t i, unsigned weight, bool out)
{
	struct view next = {0};

	for (size_t j = 0; j < v->nnodes; j++) {
		struct view_node n = v->nodes[j];

		if (j == i) {
			n.weight = weight;
			n.out = out;
		}
		view_add(&next, &n);
	}
	return next;
}

/* One change: *who is the only node whose keys may come or go. */
static struct view
change(const struct view *v, const struct policy *policy, unsigned step,
	uint64_t *who)
{
	size_t i = draw((unsigned)v->nnodes);
	struct view next = *v;

	if (v->nnodes < 24 && draw(3) == 0) {
		struct view_node n = new_node(100 + step, step + 1, 1);

		view_add(&next, &n);
		*who = next.nodes[next.nnodes - 1].id;
		return next;
	}
	*who = v->nodes[i].id;
	if (v->nodes[i].out)
		return with(v, i, v->nodes[i].weight, false);
	if (policy == &policy_hrw && draw(3) == 0)
		return with(v, i, 1 + draw(4), false);
	if (v->nlive > 2)
		return with(v, i, v->nodes[i].weight, true);
	return next;
}

static void
check_step(const struct place *p, const uint64_t *before, const uint64_t *after,
	uint64_t who)
{
	for (unsigned k = 0; k < KEYS; k++)
		if (before[k] != after[k] && before[k] != who &&
			after[k] != who)
			fail_msg("%s: key %u moved between two that stay",
				p->policy->name, k);
}

static void
run(const struct policy *policy, uint64_t seed)
{
	static uint64_t before[KEYS], after[KEYS], again[KEYS];
	_Atomic uint64_t turn = 0, other_turn = 0;
	struct place_params params = {0};
	struct view v = {0};
	struct place *p;

	random_state = seed;
	for (unsigned i = 0; i < 6; i++) {
		struct view_node n = new_node(i, 0, 1);

		view_add(&v, &n);
	}
	p = place_new(policy, &v, &params, &turn, NULL);
	owners(p, before);
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t who;
		struct view next = change(&v, policy, step, &who);
		struct view same = shuffled(&next);
		struct place *q = place_new(policy, &next, &params, &turn, p);
		struct place *o =
			place_new(policy, &same, &params, &other_turn, NULL);

		assert_true(view_checksum(&next) == view_checksum(&same));
		owners(q, after);
		check_step(q, before, after, who);
		owners(o, again);
		if (!policy->turns)
			assert_memory_equal(after, again, sizeof(after));
		memcpy(before, after, sizeof(before));
		place_free(o);
		place_free(p);
		p = q;
		v = next;
	}
	place_free(p);
}

static void
test_nothing_else_moves(void **state)
{
	static const struct policy *const promise[] = {&policy_hrw,
		&policy_jump, &policy_ring, &policy_mit_ch, &policy_carp,
		&policy_mod_ch, &policy_ht_rr};

	for (size_t i = 0; i < sizeof(promise) / sizeof(promise[0]); i++)
		for (uint64_t seed = 1; seed <= RUNS; seed++)
			run(promise[i], seed * 0x9e3779b97f4a7c15);
}

/* Maglev promises little, not nothing: keys that move between nodes that stay
 * are a few in a hundred. */
static void
test_maglev_moves_little(void **state)
{
	static uint64_t before[KEYS], after[KEYS];
	_Atomic uint64_t turn = 0;
	struct place_params params = {0};
	struct view v = {0}, less;
	struct place *p, *q;
	unsigned moved = 0;

	for (unsigned i = 0; i < 16; i++) {
		struct view_node n = new_node(i, 0, 1);

		view_add(&v, &n);
	}
	less = with(&v, 5, 1, true);
	p = place_new(&policy_maglev, &v, &params, &turn, NULL);
	q = place_new(&policy_maglev, &less, &params, &turn, p);
	owners(p, before);
	owners(q, after);
	for (unsigned k = 0; k < KEYS; k++) {
		assert_true(after[k] != v.nodes[5].id);
		moved += before[k] != after[k] && before[k] != v.nodes[5].id;
	}
	assert_in_range(moved, 1, KEYS / 50);
	place_free(p);
	place_free(q);
}

/* A checksum tells each change from what was before. */
static void
test_checksum_tells(void **state)
{
	struct view v = {0}, other;
	uint64_t sum;

	for (unsigned i = 0; i < 4; i++)
		view_add_name(&v,
			(const struct str[]){
				STR("a"), STR("b"), STR("c"), STR("d")}[i],
			i + 1);
	sum = view_checksum(&v);
	other = with(&v, 1, 2, true);
	assert_true(view_checksum(&other) != sum);
	other = with(&v, 1, 3, false);
	assert_true(view_checksum(&other) != sum);
	/* weights swapped */
	other = with(&v, 0, 2, false);
	other = with(&other, 1, 1, false);
	assert_true(view_checksum(&other) != sum);
	v.number++;
	assert_true(view_checksum(&v) == sum);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_else_moves),
		cmocka_unit_test(test_maglev_moves_little),
		cmocka_unit_test(test_checksum_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
