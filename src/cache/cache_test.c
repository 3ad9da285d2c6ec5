#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>

#include "cache/store.h"

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

static struct object_head fresh_head = {
	.status = 200, .length = -1, .born_s = 1000, .lifetime_s = 60};

static struct object *
put(struct store *s, struct str key, size_t n)
{
	struct object *o;

	assert_int_equal(store_get(s, key, 1000, &o), STORE_MISS);
	object_ready(o, &fresh_head);
	fill(&o->body, n);
	body_end(&o->body, BODY_DONE);
	store_trim(s);
	return o;
}

static void
test_store_states(void **state)
{
	struct store *s = store_new(1 << 20);
	struct object *o, *p;

	o = put(s, STR("a"), 10);
	assert_int_equal(store_get(s, STR("a"), 1059, &p), STORE_HIT);
	assert_ptr_equal(o, p);
	object_unref(p);
	/* stale: replaced; the new one is joined while it waits */
	assert_int_equal(store_get(s, STR("a"), 1060, &p), STORE_MISS);
	assert_ptr_not_equal(o, p);
	object_unref(o);
	assert_int_equal(store_get(s, STR("a"), 1060, &o), STORE_JOIN);
	assert_ptr_equal(o, p);
	object_unref(o);
	/* it fails: whoever comes next tries anew */
	object_fail(p, 502, "refused");
	assert_int_equal(store_get(s, STR("a"), 1060, &o), STORE_MISS);
	store_remove(s, o);
	store_remove(s, o);
	assert_int_equal(store_count(s), 0);
	object_fail(o, 502, "refused");
	object_unref(o);
	object_unref(p);
	store_free(s);
}

/* The budget holds; what is asked for stays, what is not goes. */
static void
test_store_evicts(void **state)
{
	struct store *s = store_new(1 << 20);
	struct object *o;
	char key[16];
	int hot = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		object_unref(put(s, str_z(key), 5000));
		assert_true(store_bytes(s) <= 1 << 20);
		if (i > 0 && i % 4 == 0) {
			enum store_result r = store_get(s, STR("k0"), 1000, &o);

			hot += r == STORE_HIT;
			if (r == STORE_MISS) {
				store_remove(s, o);
				object_fail(o, 502, "test");
			}
			object_unref(o);
		}
	}
	assert_int_equal(hot, 249);
	assert_in_range(store_count(s), 120, 210);
	store_free(s);
}

/* Two threads ask for the same keys: each key is filled once, all readers see
 * every byte, whichever side is faster. */
enum { KEYS = 400, BODY = 150000 };
static _Atomic unsigned fills;

static void *
hammer(void *arg)
{
	struct store *s = arg;

	for (int i = 0; i < KEYS; i++) {
		struct reader r = {.on_progress = on_progress};
		struct object *o;
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		if (store_get(s, str_z(key), 1000, &o) == STORE_MISS) {
			fills++;
			object_ready(o, &fresh_head);
			fill(&o->body, BODY);
			body_end(&o->body, BODY_DONE);
		}
		assert_int_equal(reader_attach(&r, &o->body), 0);
		for (size_t n = 0; n < BODY; sched_yield())
			n += drain(&r, SIZE_MAX);
		reader_detach(&r);
		object_unref(o);
	}
	return NULL;
}

static void
test_store_threads(void **state)
{
	struct store *s = store_new(1 << 30);
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, hammer, s);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(fills, KEYS);
	assert_int_equal(store_count(s), KEYS);
	store_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_kept),
		cmocka_unit_test(test_body_transient),
		cmocka_unit_test(test_body_release),
		cmocka_unit_test(test_store_states),
		cmocka_unit_test(test_store_evicts),
		cmocka_unit_test(test_store_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
