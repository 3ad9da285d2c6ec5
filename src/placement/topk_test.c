#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/topk.h"

static uint64_t random_state = 1;

static uint64_t
draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void
count(struct topk *t, uint64_t key)
{
	topk_count(t, &(struct place_key){.hash = key, .digest = ~key}, 10);
}

/* Ten keys have 3 % each of the requests, a million others the rest: the ten
 * are found, and their counts are right within their errors. */
static void
test_finds_the_popular(void **state)
{
	static struct topk t;
	unsigned true_count[10] = {0};

	t = (struct topk){0};
	for (unsigned i = 0; i < 100000; i++) {
		unsigned k = (unsigned)(draw() >> 20) % 100;

		if (k < 30) {
			true_count[k / 3]++;
			count(&t, 7000 + k / 3);
		} else {
			count(&t, draw());
		}
	}
	assert_int_equal(t.n, TOPK_SIZE);
	assert_true(t.total == 100000);
	for (unsigned k = 0; k < 10; k++) {
		float found = topk_find(&t, 7000 + k);

		assert_true(found >= (float)true_count[k]);
		assert_true(found < (float)true_count[k] * 1.2f);
	}
}

/* Less than there is room for are counted exactly. */
static void
test_exact_when_few(void **state)
{
	static struct topk t;

	t = (struct topk){0};
	for (unsigned round = 0; round < 10; round++)
		for (uint64_t k = 0; k < TOPK_SIZE; k++)
			if (k % 10 >= round)
				count(&t, k * TOPK_BUCKETS);
	for (uint64_t k = 0; k < TOPK_SIZE; k++)
		assert_true(
			topk_find(&t, k * TOPK_BUCKETS) == (float)(k % 10 + 1));
	assert_true(topk_find(&t, 1) == 0);
}

static void
test_fades(void **state)
{
	static struct topk t;

	t = (struct topk){0};
	for (unsigned i = 0; i < 64; i++)
		count(&t, 1);
	count(&t, 2);
	topk_fade(&t, 0.5f);
	assert_true(topk_find(&t, 1) == 32);
	assert_true(t.total == 32.5);
	assert_true(t.bytes == 325 && t.v[0].bytes == 320);
	assert_true(t.v[0].key.digest == ~UINT64_C(1));
	assert_true(topk_find(&t, 2) == 0.5f);
	for (int i = 0; i < 4; i++)
		topk_fade(&t, 0.5f);
	assert_true(topk_find(&t, 1) == 2);
	assert_true(topk_find(&t, 2) == 0);
	assert_int_equal(t.n, 1);
	count(&t, 1);
	assert_true(topk_find(&t, 1) == 3);
}

/* Two that counted apart come to what one would have counted. */
static void
test_adds_up(void **state)
{
	static struct topk t, from;

	t = from = (struct topk){0};
	for (unsigned i = 0; i < 1000; i++)
		count(i % 2 ? &t : &from, i % 100);
	for (unsigned i = 0; i < 10000; i++)
		count(&from, i % 3 ? 7 : draw());
	topk_add(&t, &from);
	topk_clear(&from);
	assert_true(t.total == 11000 && t.bytes == 110000);
	assert_true(topk_find(&t, 7) >= 6676);
	assert_true(topk_find(&t, 7) < 6676 + 200);
	assert_int_equal(from.n, 0);
	assert_true(topk_find(&from, 7) == 0);
	topk_add(&t, &from); /* nothing more */
	assert_true(t.total == 11000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_popular),
		cmocka_unit_test(test_exact_when_few),
		cmocka_unit_test(test_fades),
		cmocka_unit_test(test_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
