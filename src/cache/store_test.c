#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sched.h>

#include "cache/pages.h"
#include "cache/test_store.h"

static void
on_progress(struct reader *r)
{
}

static struct flight *
under_way(struct store *s, struct str key)
{
	struct wanted w = {.key = key, .request = &no_fields};

	return store_flight(s, &w);
}

/* How many bytes the key's object has, all of which must be right; -1 when
 * there is none. */
static int64_t
get(struct store *s, struct str key)
{
	struct object *o = find(s, key);
	struct reader r = {.on_progress = on_progress};
	int64_t bytes = 0;
	struct str slice;

	if (!o)
		return -1;
	object_read(o, &r);
	for (; reader_peek(&r, &slice, 1); reader_advance(&r, slice.n)) {
		assert_int_equal(slice.p[0], key.p[key.n - 1]);
		assert_memory_equal(slice.p, slice.p + 1, slice.n - 1);
		bytes += (int64_t)slice.n;
	}
	assert_int_equal(bytes, o->length);
	object_unref(o);
	return bytes;
}

static void
test_states(void **state)
{
	struct store *s = store_new(1 << 20);
	struct object *o = NULL;
	struct flight *f, *g;

	assert_null(find(s, STR("a")));
	put(s, STR("a"), 10);
	assert_int_equal(get(s, STR("a")), 10);
	/* it is not good enough: fetched again, and joined meanwhile */
	f = board(s, STR("a"), STORE_BEGIN);
	g = board(s, STR("a"), STORE_JOIN);
	assert_ptr_equal(f, g);
	flight_unref(g);
	g = under_way(s, STR("a"));
	assert_ptr_equal(f, g);
	flight_unref(g);
	/* that fails: whoever comes next tries anew */
	store_depart(s, f);
	flight_fail(f, 502, "refused");
	flight_unref(f);
	assert_null(under_way(s, STR("a")));
	f = board(s, STR("a"), STORE_BEGIN);
	flight_ready(f, &fresh);
	fill(f, 20);
	body_end(&f->body, BODY_DONE);
	store_keep(s, f);
	store_depart(s, f);
	flight_unref(f);
	assert_int_equal(get(s, STR("a")), 20);
	assert_int_equal(store_count(s), 1);
	/* somebody else stored it since we looked */
	assert_int_equal(board_seen(s, STR("a"), NULL, &f), STORE_STORED);
	o = find(s, STR("a"));
	store_remove(s, o);
	store_remove(s, o);
	object_unref(o);
	assert_int_equal(store_count(s), 0);
	store_free(s);
}

static void
test_mark(void **state)
{
	struct store *s = store_new(1 << 20);
	struct object *o;

	store_mark(s, STR("a"), 1000, 60);
	o = find(s, STR("a"));
	assert_true(object_is_mark(o));
	object_unref(o);
	assert_int_equal(store_count(s), 0);
	put(s, STR("a"), 10);
	o = find(s, STR("a"));
	assert_false(object_is_mark(o));
	object_unref(o);
	assert_int_equal(store_count(s), 1);
	store_free(s);
}

/* A 304: another head around the same body. */
static void
test_renewed(void **state)
{
	const size_t sizes[] = {0, 10, OBJECT_FLAT, OBJECT_FLAT + 1, 300000};
	struct store *s = store_new(1 << 26);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct response r = fresh;
		struct object *o;

		r.fields = STR("ETag: \"2\"\r\n");
		put(s, STR("a"), sizes[i]);
		o = find(s, STR("a"));
		store_replace(s, o, object_renewed(o, STR(""), &r));
		object_unref(o);
		assert_int_equal(get(s, STR("a")), sizes[i]);
		o = find(s, STR("a"));
		object_response(o, &r);
		assert_true(str_eq(r.fields, STR("ETag: \"2\"\r\n")));
		object_unref(o);
	}
	store_free(s);
}

/* The budget holds; what is asked for stays, what is not goes. */
static void
test_evicts(void **state)
{
	struct store *s = store_new(1 << 20);
	char key[16];
	int hot = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(s, str_z(key), 5000);
		assert_true(store_bytes(s) <= 1 << 20);
		if (i > 0 && i % 4 == 0)
			hot += get(s, STR("k0")) == 5000;
	}
	assert_int_equal(hot, 249);
	assert_in_range(store_count(s), 120, 210);
	store_free(s);
}

/* The same with large ones, of which a tenth is asked for again and again:
 * those move, so that little memory is lost between them. */
static void
test_evicts_large(void **state)
{
	const uint64_t limit = 256 << 20;
	struct store *s = store_new(limit);
	char key[16];

	for (int i = 0; i < 40000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(s, str_z(key), 40000);
		assert_true(store_bytes(s) <= limit);
		if (i < 5000)
			continue;
		/* each of the first 500 tens, once in 500 turns */
		snprintf(key, sizeof(key), "k%d", i % 500 * 10);
		assert_int_equal(get(s, str_z(key)), 40000);
	}
	assert_in_range(store_count(s), 6000, 6710);
	/* 180 MB when they do not move */
	assert_in_range(pages_lost_bytes(store_pages(s)), 0, 16 << 20);
	store_free(s);
}

/* Threads ask for the same keys: each key is filled once, all readers see
 * every byte, whichever side is faster, while tables grow under them. */
enum { KEYS = 20000, LARGE = 150000, SMALL = 100, THREADS = 3 };
static _Atomic unsigned fills;

static size_t
size_of(int i)
{
	return i % 50 ? SMALL : LARGE;
}

static void
read_flight(struct flight *f, size_t n)
{
	struct reader r = {.on_progress = on_progress};
	struct str s;

	assert_int_equal(reader_attach(&r, &f->body), 0);
	while (n)
		if (reader_peek(&r, &s, 1)) {
			n -= s.n;
			reader_advance(&r, s.n);
		} else {
			sched_yield();
		}
	reader_detach(&r);
}

static void
want(struct store *s, int i)
{
	struct object *seen;
	struct flight *f;
	char key[16];
	int64_t n;

	snprintf(key, sizeof(key), "k%d", i);
	seen = find(s, str_z(key));
	if (seen) {
		object_unref(seen);
		n = get(s, str_z(key)); /* unless it is evicted by now */
		assert_true(n == -1 || n == (int64_t)size_of(i));
		return;
	}
	switch (board_seen(s, str_z(key), NULL, &f)) {
	case STORE_STORED: return;
	case STORE_JOIN: break;
	case STORE_BEGIN:
		fills++;
		flight_ready(f, &fresh);
		fill(f, size_of(i));
		body_end(&f->body, BODY_DONE);
		store_keep(s, f);
		break;
	}
	read_flight(f, size_of(i));
	flight_unref(f);
}

static void *
hammer(void *arg)
{
	for (int i = 0; i < KEYS; i++)
		want(arg, i);
	return NULL;
}

static void
test_threads(void **state)
{
	struct store *s = store_new(1 << 30);
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, hammer, s);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(fills, KEYS);
	assert_int_equal(store_count(s), KEYS);
	store_free(s);
}

/* ... and while what they look at is evicted. */
static void *
hammer_hot(void *arg)
{
	for (int i = 0; i < KEYS; i++)
		want(arg, i % 7 ? i * 31 % 997 : i);
	return NULL;
}

static void
test_threads_evicting(void **state)
{
	struct store *s = store_new(1 << 20);
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, hammer_hot, s);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	store_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_evicts),
		cmocka_unit_test(test_evicts_large),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_threads_evicting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
