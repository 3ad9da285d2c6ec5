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

static _Atomic uint64_t turn;

static struct view
view_of(unsigned n)
{
	struct view v = {0};
	char name[8];

	for (unsigned i = 1; i <= n; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		view_add_name(&v, str_z(name), 1);
	}
	return v;
}

static struct place *
place_of(const struct policy *policy, const struct view *v)
{
	atomic_store(&turn, 0);
	return place_new(policy, v, &(struct place_params){0}, &turn, NULL);
}

static void
rank_key(const struct place *p, unsigned key, size_t most, struct ranking *r)
{
	char z[32];

	snprintf(z, sizeof(z), "http://example.org/%u", key);
	place_rank(p, str_z(z), most, r);
}

/* Whatever the policy, a ranking has every member that is not out once, and its
 * beginning is the same however much of it is wanted. */
static void
test_permutation(void **state)
{
	struct view v = {0}, all = view_of(13);
	struct ranking r, part;

	for (size_t i = 0; i < 13; i++) {
		all.nodes[i].out = i == 4 || i == 12;
		view_add(&v, &all.nodes[i]);
	}
	for (size_t i = 0; i < npolicies; i++) {
		struct place *p = place_of(policies[i], &v);

		for (unsigned k = 0; k < 300; k++) {
			unsigned seen = 0;

			rank_key(p, k, SIZE_MAX, &r);
			assert_int_equal(r.n, 11);
			for (size_t j = 0; j < r.n; j++)
				seen |= 1u << r.node[j];
			assert_int_equal(seen, 0xfef);
			if (p->policy == &policy_rr)
				continue;
			rank_key(p, k, 3, &part);
			assert_in_range(part.n, 3, 11);
			assert_memory_equal(part.node, r.node, 3);
		}
		place_free(p);
	}
}

/* When all are out, or there are none, nobody owns anything. */
static void
test_nobody(void **state)
{
	struct view none = {0}, out = {0}, v = view_of(3);
	struct ranking r;

	for (size_t i = 0; i < 3; i++) {
		v.nodes[i].out = true;
		view_add(&out, &v.nodes[i]);
	}
	for (size_t i = 0; i < 2 * npolicies; i++) {
		struct place *p =
			place_of(policies[i / 2], i % 2 ? &none : &out);

		rank_key(p, 1, SIZE_MAX, &r);
		assert_int_equal(r.n, 0);
		place_free(p);
	}
}

/* Each of 16 nodes has its 1/16, as far as the policy promises: the largest
 * share, in hundredths of the mean (5 sigma of sampling are 14). */
static void
test_balance(void **state)
{
	static const struct {
		const struct policy *policy;
		unsigned most;
	} promises[] = {
		{&policy_hrw, 114},
		{&policy_maglev, 114},
		{&policy_jump, 114},
		{&policy_ring, 130},
		{&policy_rr, 101},
		{&policy_md5, 114},
		{&policy_mit_ch, 130},
		{&policy_carp, 170},
		{&policy_mod_ch, 114},
		{&policy_ht_rr, 110},
	};
	struct view v = view_of(16);
	struct ranking r;

	assert_int_equal(sizeof(promises) / sizeof(promises[0]), npolicies);
	for (size_t i = 0; i < npolicies; i++) {
		struct place *p = place_of(promises[i].policy, &v);
		unsigned count[16] = {0};

		for (unsigned k = 0; k < KEYS; k++) {
			rank_key(p, k, 1, &r);
			count[r.node[0]]++;
		}
		for (int n = 0; n < 16; n++)
			if (count[n] * 16 * 100 / KEYS > promises[i].most)
				fail_msg("%s: n%d has %u", p->policy->name, n,
					count[n]);
		place_free(p);
	}
}

/* Of weights 1 and 3, the second has three quarters, within what the policy's
 * own spread allows (a circle's is some 7 %). */
static void
test_weights(void **state)
{
	struct view v = {0};
	struct ranking r;

	view_add_name(&v, STR("a"), 1);
	view_add_name(&v, STR("b"), 3);
	for (size_t i = 0; i < npolicies; i++) {
		struct place *p = place_of(policies[i], &v);
		unsigned heavy = 0;

		for (unsigned k = 0; k < KEYS; k++) {
			rank_key(p, k, 1, &r);
			heavy += r.node[0] == 1;
		}
		if (p->policy->weights)
			assert_in_range(
				heavy, KEYS * 68 / 100, KEYS * 82 / 100);
		else
			assert_in_range(
				heavy, KEYS * 48 / 100, KEYS * 52 / 100);
		place_free(p);
	}
}

static void
test_order_of_names(void **state)
{
	struct view v = {0};
	static const char *const sorted[] = {
		"a", "n1", "n2", "n02", "n10", "n10a", "o"};

	view_add_name(&v, STR("n10a"), 1);
	view_add_name(&v, STR("n10"), 1);
	view_add_name(&v, STR("o"), 1);
	view_add_name(&v, STR("n02"), 1);
	view_add_name(&v, STR("a"), 1);
	view_add_name(&v, STR("n2"), 1);
	view_add_name(&v, STR("n1"), 1);
	for (size_t i = 0; i < 7; i++)
		if (i != 2 && i != 3)
			assert_string_equal(v.nodes[i].name, sorted[i]);
	assert_string_equal(v.nodes[2].name, "n02");
	assert_string_equal(v.nodes[3].name, "n2");
}

static void
test_md5_is_md5(void **state)
{
	struct view v = view_of(16);
	struct place *p = place_of(&policy_md5, &v);
	struct ranking r;

	/* md5("abc") = 900150983cd24fb0 d6963f7d28e17f72 (RFC 1321) */
	place_rank(p, STR("abc"), 1, &r);
	assert_int_equal(r.node[0], 0x900150983cd24fb0 % 16);
	assert_int_equal(r.node[1], (0x900150983cd24fb0 + 1) % 16);
	place_free(p);
}

/* As another program places them that does what libketama does. */
static void
test_ring_is_ketama(void **state)
{
	static const struct {
		const char *key;
		uint8_t ranking[4];
	} vectors[] = {
		{"http://example.org/", {1, 2, 3, 4}},
		{"http://example.org/a", {3, 2, 1, 4}},
		{"http://example.org/b", {1, 2, 3, 4}},
		{"http://example.org/c", {3, 2, 1, 4}},
		{"http://example.org/d", {1, 2, 3, 4}},
		{"foo", {1, 2, 3, 4}},
	};
	struct view v = view_of(4);
	struct place *p = place_of(&policy_ring, &v);
	struct ranking r;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		place_rank(p, str_z(vectors[i].key), 4, &r);
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(r.node[j] + 1, vectors[i].ranking[j]);
	}
	place_free(p);
}

/* mod_ch, the reconstruction: exact where N and the points are powers of two,
 * and at most half of the plain circle's spread after a join. */
static double
spread(const struct policy *policy, unsigned nodes, unsigned points)
{
	struct view v = view_of(nodes);
	struct place *p = place_new(policy, &v,
		&(struct place_params){.points = points}, &turn, NULL);
	double sum = 0, mean = (double)KEYS / nodes;
	unsigned count[VIEW_MAX_NODES] = {0};
	struct ranking r;

	for (unsigned k = 0; k < KEYS; k++) {
		rank_key(p, k, 1, &r);
		count[r.node[0]]++;
	}
	for (unsigned i = 0; i < nodes; i++)
		sum += pow(count[i] / mean - 1, 2);
	place_free(p);
	return sqrt(sum / nodes);
}

static void
test_mod_ch_spread(void **state)
{
	/* sampling alone is 0.028 of 20,000 keys */
	assert_true(spread(&policy_mod_ch, 16, 16) < 0.05);
	assert_true(spread(&policy_mod_ch, 16, 4) < 0.05);
	assert_true(spread(&policy_mit_ch, 16, 16) >
		2 * spread(&policy_mod_ch, 16, 16));
	assert_true(spread(&policy_mit_ch, 17, 4) >
		2 * spread(&policy_mod_ch, 17, 4));
}

/* ht_rr: as many buckets to each, within one, and for good. */
static void
test_ht_rr_takes_turns(void **state)
{
	struct view v = view_of(7);
	struct place *p = place_of(&policy_ht_rr, &v);
	unsigned count[7] = {0}, buckets = 0;
	struct ranking r, again;

	for (unsigned k = 0; k < 1000; k++) {
		char z[32];
		bool is_new;

		snprintf(z, sizeof(z), "http://example.org/%u", k);
		is_new = ht_rr_known(p, place_hash(str_z(z))) < 0;
		rank_key(p, k, 1, &r);
		rank_key(p, k, 1, &again);
		assert_int_equal(r.node[0], again.node[0]);
		if (is_new)
			assert_int_equal(r.node[0], buckets++ % 7);
		count[r.node[0]] += is_new;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(count[i], buckets / 7, buckets / 7 + 1);
	place_free(p);
}

/* ht_rr, shared: all ask the home until they know, and then agree with it. */
static void
test_ht_rr_shared(void **state)
{
	struct view v = view_of(5);
	_Atomic uint64_t turns[5] = {0};
	struct place *p[5];
	struct ranking r;

	for (int i = 0; i < 5; i++)
		p[i] = place_new(&policy_ht_rr, &v,
			&(struct place_params){
				.shared = true, .self = v.nodes[i].id},
			&turns[i], NULL);
	for (unsigned k = 0; k < 200; k++) {
		char z[32];
		struct str key;
		size_t home, owner;

		snprintf(z, sizeof(z), "http://example.org/%u", k);
		key = str_z(z);
		home = ht_rr_home(p[0], place_hash(key));
		owner = ht_rr_claim(p[home], place_hash(key));
		for (size_t i = 0; i < 5; i++) {
			place_rank(p[i], key, 1, &r);
			if (i != home && ht_rr_known(p[i], place_hash(key)) < 0)
				assert_int_equal(r.node[0], home);
			ht_rr_learn(p[i], place_hash(key), owner);
			place_rank(p[i], key, 1, &r);
			assert_int_equal(r.node[0], owner);
		}
	}
	for (int i = 0; i < 5; i++)
		place_free(p[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permutation),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_order_of_names),
		cmocka_unit_test(test_md5_is_md5),
		cmocka_unit_test(test_ring_is_ketama),
		cmocka_unit_test(test_mod_ch_spread),
		cmocka_unit_test(test_ht_rr_takes_turns),
		cmocka_unit_test(test_ht_rr_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
