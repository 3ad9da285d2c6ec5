/* In order, when due, however many. */
#include "handoff/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct handoff_key
key_of(uint32_t client)
{
	return (struct handoff_key){{client}, 1, 0};
}

static void
test_order(void **state)
{
	struct expiry *e = expiry_new(10);
	struct handoff_key a = key_of(1), b = key_of(2);
	struct expiry_flow f;
	uint32_t id = expiry_add(e, &a, 100);

	(void)state;
	assert_int_not_equal(expiry_add(e, &b, 101), id);
	assert_false(expiry_next(e, 109, &f));
	assert_true(expiry_next(e, 110, &f));
	assert_int_equal(f.key.client[0], 1);
	assert_int_equal(f.id, id);
	assert_false(expiry_next(e, 110, &f));
	expiry_again(e, f, 110);
	assert_true(expiry_next(e, 200, &f));
	assert_int_equal(f.key.client[0], 2);
	assert_true(expiry_next(e, 200, &f));
	assert_int_equal(f.id, id);
	assert_int_equal(expiry_count(e), 0);
	expiry_free(e);
}

/* It grows while its middle is anywhere. */
static void
test_many(void **state)
{
	struct expiry *e = expiry_new(1);
	struct expiry_flow f;
	uint32_t in = 0, out = 0;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned i = 0; i < 5; i++) {
			struct handoff_key k = key_of(in++);

			(void)expiry_add(e, &k, round);
		}
		for (unsigned i = 0; i < 2; i++) {
			assert_true(expiry_next(e, 5000, &f));
			assert_int_equal(f.key.client[0], out++);
		}
	}
	assert_int_equal(expiry_count(e), in - out);
	while (expiry_next(e, 5000, &f))
		assert_int_equal(f.key.client[0], out++);
	assert_int_equal(in, out);
	expiry_free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
