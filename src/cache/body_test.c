#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>

#include "cache/body.h"

static struct budget budget;
static _Atomic int told, consumed;

static void
on_progress(struct reader *r)
{
	told++;
}

static void
on_consumed(struct tap *t)
{
	consumed++;
}

/* Byte i of every test body. */
static char
byte_at(uint64_t i)
{
	return (char)(i * 2654435761u >> 13);
}

static void
fill(struct body *b, size_t n)
{
	char buf[3000];

	for (uint64_t at = body_filled(b); n;) {
		size_t take = n < sizeof(buf) ? n : sizeof(buf);

		for (size_t i = 0; i < take; i++)
			buf[i] = byte_at(at++);
		body_append(b, buf, take);
		n -= take;
	}
}

/* Takes at most n bytes, checks each; returns how many there were. */
static size_t
drain(struct reader *r, size_t n)
{
	size_t got = 0;
	struct str s[3];
	size_t slices;

	while (got < n && (slices = reader_peek(r, s, 3))) {
		size_t took = 0;

		for (size_t i = 0; i < slices && got + took < n; i++)
			for (size_t j = 0; j < s[i].n && got + took < n; j++)
				if (s[i].p[j] != byte_at(r->pos + took++))
					fail_msg("byte %zu differs",
						(size_t)r->pos + took);
		reader_advance(r, took);
		got += took;
	}
	return got;
}

static void
test_body_kept(void **state)
{
	struct body b;
	struct reader early = {.on_progress = on_progress};
	struct reader late = {.on_progress = on_progress};

	body_init(&b, &budget, false);
	assert_int_equal(reader_attach(&early, &b), 0);
	assert_int_equal(drain(&early, 10), 0);
	told = 0;
	fill(&b, 100000);
	assert_true(told > 0);
	assert_int_equal(drain(&early, 60000), 60000);
	assert_true(body_window(&b) == SIZE_MAX);
	fill(&b, 900000);
	body_end(&b, BODY_DONE);
	assert_int_equal(drain(&early, SIZE_MAX), 940000);
	assert_int_equal(reader_attach(&late, &b), 0);
	assert_int_equal(drain(&late, SIZE_MAX), 1000000);
	reader_detach(&early);
	reader_detach(&early);
	reader_detach(&late);
	body_fini(&b);
	assert_true(budget.used_bytes == 0);
}

static void
test_body_transient(void **state)
{
	struct body b;
	struct reader r = {.on_progress = on_progress};
	struct tap tap = {.on_consumed = on_consumed};

	body_init(&b, &budget, true);
	body_set_tap(&b, &tap);
	assert_true(body_orphaned(&b));
	assert_int_equal(reader_attach(&r, &b), 0);
	assert_false(body_orphaned(&b));
	consumed = 0;
	for (int i = 0; i < 100; i++) {
		size_t n = body_window(&b);

		assert_in_range(n, 1, BODY_WINDOW);
		fill(&b, n);
		assert_int_equal(body_window(&b), 0);
		assert_in_range(budget.used_bytes, 1, 3 * BODY_WINDOW);
		assert_int_equal(drain(&r, 100000), 100000);
	}
	assert_in_range(consumed, 100, 1000);
	assert_true(body_consumed(&b) == 100 * 100000);
	reader_detach(&r);
	assert_true(body_orphaned(&b));
	fill(&b, 1000); /* into the void: no harm */
	body_end(&b, BODY_FAILED);
	body_fini(&b);
	assert_true(budget.used_bytes == 0);
}

/* A body that was to be kept outgrows its welcome: those who read it go on,
 * nobody new may start, and what all have passed is freed. */
static void
test_body_release(void **state)
{
	struct body b;
	struct reader slow = {.on_progress = on_progress}, fast = slow,
		      late = slow;

	body_init(&b, &budget, false);
	assert_int_equal(reader_attach(&slow, &b), 0);
	assert_int_equal(reader_attach(&fast, &b), 0);
	fill(&b, 1000000);
	assert_int_equal(drain(&fast, SIZE_MAX), 1000000);
	body_release(&b);
	assert_int_equal(reader_attach(&late, &b), -ESTALE);
	assert_int_equal(body_window(&b), 0);
	assert_in_range(budget.used_bytes, 1000000, 1200000);
	assert_int_equal(drain(&slow, 900000), 900000);
	assert_in_range(budget.used_bytes, 100000, 300000);
	assert_int_equal(drain(&slow, SIZE_MAX), 100000);
	fill(&b, 5000);
	body_end(&b, BODY_DONE);
	assert_int_equal(drain(&slow, SIZE_MAX), 5000);
	assert_int_equal(drain(&fast, SIZE_MAX), 5000);
	reader_detach(&slow);
	reader_detach(&fast);
	body_fini(&b);
	assert_true(budget.used_bytes == 0);
}

/* What is complete is read in as few pieces as memory allows. */
static void
test_read_complete(void **state)
{
	struct reader r = {.on_progress = on_progress};
	struct chunk *first;
	struct str s;
	struct body b;

	reader_attach_flat(&r, STR("hello"));
	assert_int_equal(reader_peek(&r, &s, 1), 1);
	assert_true(str_eq(s, STR("hello")));
	reader_advance(&r, 2);
	assert_int_equal(reader_peek(&r, &s, 1), 1);
	assert_true(str_eq(s, STR("llo")));
	reader_advance(&r, 3);
	assert_int_equal(reader_peek(&r, &s, 1), 0);
	reader_detach(&r);

	body_init(&b, &budget, false);
	fill(&b, 200000);
	body_end(&b, BODY_DONE);
	first = body_first(&b);
	body_fini(&b);
	reader_attach_chunks(&r, first);
	assert_int_equal(drain(&r, SIZE_MAX), 200000);
	chunk_unref(&budget, first);
	assert_true(budget.used_bytes == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_kept),
		cmocka_unit_test(test_body_transient),
		cmocka_unit_test(test_body_release),
		cmocka_unit_test(test_read_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
