/* Counting by one thread, while another collects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>

#include "proxy/tally.h"

enum { COUNTED = 400000 };

static void
answer(struct tally *t, uint64_t key)
{
	tally_count(t, &(struct place_key){.hash = key}, TALLY_ANSWERED, 100);
}

static void
ask(struct tally *t, uint64_t key)
{
	tally_count(t, &(struct place_key){.hash = key}, TALLY_ASKED, 0);
}

static void
test_counts(void **state)
{
	struct tally *t = tally_new();

	answer(t, 1);
	answer(t, 1);
	ask(t, 2);
	assert_true(t->answered.total == 0);
	tally_collect(t);
	assert_true(t->answered.total == 2 && t->asked.total == 1);
	assert_true(topk_find(&t->answered, 1) == 2);
	assert_true(topk_find(&t->recent, 1) == 2);
	assert_true(t->in == 1 && t->answered.bytes == 200);
	answer(t, 1);
	tally_collect(t);
	assert_true(topk_find(&t->answered, 1) > 2.8f);
	assert_true(topk_find(&t->answered, 1) < 3);
	assert_true(topk_find(&t->recent, 1) < 2.5f);
	assert_true(topk_find(&t->asked, 2) < 1);
	/* what is no key's is work all the same */
	tally_count(t, &(struct place_key){.hash = 3},
		TALLY_ASKED | TALLY_OTHER, 1000);
	tally_collect(t);
	assert_int_equal(t->answered.n, 1);
	assert_true(topk_find(&t->asked, 3) == 1);
	assert_true(t->recent.total > 2.0 && t->recent.total < 2.6);
	assert_true(t->answered.bytes > 1200 && t->answered.bytes < 1300);
	tally_free(t);
	tally_free(NULL);
}

static _Atomic bool done;

static void *
count_away(void *arg)
{
	for (unsigned i = 0; i < COUNTED; i++) {
		answer(arg, i % 7);
		ask(arg, i % 5);
	}
	atomic_store(&done, true);
	return NULL;
}

/* No count is lost, and none counts twice: what fades is put in again. */
static void
test_two_threads(void **state)
{
	struct tally *t = tally_new();
	double answered = 0, asked = 0;
	bool last = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, count_away, t), 0);
	while (!last) {
		last = atomic_load(&done);
		tally_collect(t);
		answered += t->answered.total;
		asked += t->asked.total;
		t->answered = t->recent = t->asked = (struct topk){0};
	}
	pthread_join(thread, NULL);
	assert_true(answered == COUNTED);
	assert_true(asked == COUNTED);
	tally_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
