#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/purge_log.h"

static char told[1 << 16];
static uint64_t last_number;

static void
note(void *ctx, const struct purge *p, uint64_t number)
{
	size_t n = strlen(told);

	last_number = number;
	snprintf(told + n, sizeof(told) - n, "%d%s%.*s ", p->kind,
		p->soft ? "s" : "", STR_ARG(p->what));
}

static const char *
take(struct purge_log *l, size_t peer)
{
	*told = '\0';
	purge_log_take_missed(l, peer, note, NULL);
	return told;
}

static uint64_t
add(struct purge_log *l, enum purge_kind kind, bool soft, const char *what)
{
	return purge_log_add(l,
		&(struct purge){
			.kind = kind, .soft = soft, .what = str_z(what)});
}

/* Each peer is told what it missed and all that came later, once. */
static void
test_missed(void **state)
{
	struct purge_log *l = purge_log_new();
	uint64_t a = add(l, PURGE_KEY, false, "a");
	uint64_t b = add(l, PURGE_PREFIX, true, "b");

	assert_string_equal(take(l, 1), "");
	purge_log_missed(l, 1, b);
	purge_log_missed(l, 2, b);
	purge_log_missed(l, 2, a);
	add(l, PURGE_TAG, false, "c");
	assert_string_equal(take(l, 1), "1sb 2c ");
	assert_int_equal(last_number, b + 1);
	assert_string_equal(take(l, 1), "");
	assert_string_equal(take(l, 2), "0a 1sb 2c ");
	assert_string_equal(take(l, 3), "");
	purge_log_free(l);
}

/* Who has been away for longer than is known forgets all. */
static void
test_too_many(void **state)
{
	struct purge_log *l = purge_log_new();

	purge_log_missed(l, 1, add(l, PURGE_KEY, false, "a"));
	for (int i = 0; i < 1023; i++)
		add(l, PURGE_KEY, false, "b");
	purge_log_missed(l, 2, 1);
	assert_int_equal(strlen(take(l, 1)), 1024 * 3);
	purge_log_missed(l, 1, 0);
	add(l, PURGE_KEY, false, "c");
	assert_string_equal(take(l, 1), "1http ");
	assert_int_equal(strlen(take(l, 2)), 1024 * 3);
	purge_log_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
