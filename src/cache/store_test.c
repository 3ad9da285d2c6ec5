#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sched.h>

#include "cache/pages.h"
#include "cache/store.h"

static const struct response fresh = {
	.status = 200, .length = -1, .born_s = 1000, .fresh.lifetime_s = 60};

static void
on_progress(struct reader *r)
{
}

static void
fill(struct flight *f, size_t n)
{
	while (n) {
		size_t room;
		char *at = body_room(&f->body, n, &room);

		room = room < n ? room : n;
		memset(at, f->key[f->key_bytes - 1], room);
		body_commit(&f->body, room);
		n -= room;
	}
}

static const struct head no_fields;

static struct object *
find(struct store *s, struct str key)
{
	struct wanted w = {key, &no_fields, false};
	bool others;

	return store_find(s, &w, &others);
}

static enum store_result
board_seen(struct store *s, struct str key, const struct object *seen,
	struct flight **out)
{
	struct wanted w = {key, &no_fields, false};

	return store_board(s, &w, seen, out);
}

static struct flight *
board(struct store *s, struct str key, enum store_result expected)
{
	struct object *seen = find(s, key);
	struct flight *f = NULL;

	assert_int_equal(board_seen(s, key, seen, &f), expected);
	object_unref(seen);
	return f;
}

static struct flight *
under_way(struct store *s, struct str key)
{
	struct wanted w = {key, &no_fields, false};

	return store_flight(s, &w);
}

static void
put(struct store *s, struct str key, size_t n)
{
	struct flight *f = board(s, key, STORE_BEGIN);

	flight_ready(f, &fresh);
	fill(f, n);
	body_end(&f->body, BODY_DONE);
	assert_false(f->landed);
	store_keep(s, f);
	assert_true(f->landed);
	flight_unref(f);
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

/* --- purging -------------------------------------------------------------- */

static void
request_with(struct head *h, const char *x)
{
	memset(h, 0, sizeof(*h));
	h->method = METHOD_GET;
	head_add(h, STR("X"), str_z(x));
}

/* One that waits, for requests with that X. */
static struct flight *
begin_variant(struct store *s, struct str key, const char *x)
{
	struct head request;
	struct wanted w = {key, &request, false};
	struct object *seen;
	struct flight *f;
	bool others;

	request_with(&request, x);
	seen = store_find(s, &w, &others);
	assert_int_equal(store_board(s, &w, seen, &f), STORE_BEGIN);
	object_unref(seen);
	return f;
}

static void
make_ready(struct store *s, struct flight *f, const char *x, struct str fields)
{
	struct response r = fresh;
	char selector[16];

	snprintf(selector, sizeof(selector), "x:%s\n", x);
	store_select(s, f, str_z(selector));
	r.fields = fields;
	flight_ready(f, &r);
}

static void
land(struct store *s, struct flight *f)
{
	body_end(&f->body, BODY_DONE);
	store_keep(s, f);
	flight_unref(f);
}

static void
put_variant(struct store *s, struct str key, const char *x, struct str fields)
{
	struct flight *f = begin_variant(s, key, x);

	make_ready(s, f, x, fields);
	land(s, f);
}

/* -1 when there is none; else whether it is outdated. */
static int
variant(struct store *s, struct str key, const char *x)
{
	struct head request;
	struct wanted w = {key, &request, false};
	struct object *o;
	bool others;
	int r = -1;

	request_with(&request, x);
	o = store_find(s, &w, &others);
	if (o)
		r = object_age_s(o, fresh.born_s) >= o->fresh.lifetime_s;
	object_unref(o);
	return r;
}

static void
test_purge_key(void **state)
{
	struct store *s = store_new(1 << 20);
	struct purge p = {PURGE_KEY, STR("k"), true};

	put_variant(s, STR("k"), "1", STR(""));
	put_variant(s, STR("k"), "2", STR(""));
	put_variant(s, STR("kk"), "1", STR(""));
	store_mark(s, STR("m"), 1000, 60);
	assert_int_equal(store_purge(s, &p), 2);
	assert_int_equal(variant(s, STR("k"), "1"), 1);
	assert_int_equal(variant(s, STR("k"), "2"), 1);
	assert_int_equal(variant(s, STR("kk"), "1"), 0);
	p.soft = false;
	assert_int_equal(store_purge(s, &p), 2);
	assert_int_equal(variant(s, STR("k"), "1"), -1);
	assert_int_equal(variant(s, STR("k"), "2"), -1);
	assert_int_equal(store_purge(s, &p), 0);
	/* what was made of it goes with it, and nothing else */
	put_variant(s, STR("k"), "1", STR(""));
	put_variant(s, STR("k#=1-br"), "1", STR(""));
	put_variant(s, STR("k#=1-gzip"), "1", STR(""));
	put_variant(s, STR("kk#=1-br"), "1", STR(""));
	assert_int_equal(store_purge(s, &p), 1);
	assert_int_equal(variant(s, STR("k#=1-br"), "1"), -1);
	assert_int_equal(variant(s, STR("k#=1-gzip"), "1"), -1);
	assert_int_equal(variant(s, STR("kk#=1-br"), "1"), 0);
	/* a mark goes, but is nothing that was stored */
	p.what = STR("m");
	assert_int_equal(store_purge(s, &p), 0);
	assert_null(find(s, STR("m")));
	assert_int_equal(variant(s, STR("kk"), "1"), 0);
	store_free(s);
}

static void
test_purge_prefix(void **state)
{
	struct store *s = store_new(1 << 20);
	struct purge p = {PURGE_PREFIX, STR("k1"), true};
	char key[16];

	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(s, str_z(key), 10);
	}
	assert_int_equal(store_purge(s, &p), 111);
	assert_int_equal(store_count(s), 200);
	assert_int_equal(variant(s, STR("k1"), ""), 1);
	assert_int_equal(variant(s, STR("k199"), ""), 1);
	assert_int_equal(variant(s, STR("k2"), ""), 0);
	p.soft = false;
	assert_int_equal(store_purge(s, &p), 111);
	assert_int_equal(store_count(s), 89);
	store_free(s);
}

static void
test_purge_tag(void **state)
{
	struct store *s = store_new(1 << 20);
	struct purge p = {PURGE_TAG, STR("a"), false};

	put_variant(s, STR("1"), "", STR("Cache-Tag: b, a\r\n"));
	put_variant(s, STR("2"), "", STR("X: a\r\nSurrogate-Key: c a\r\n"));
	put_variant(s, STR("3"), "", STR("Cache-Tag: ab\r\n"));
	put_variant(s, STR("4"), "", STR("X: a\r\n"));
	assert_int_equal(store_purge(s, &p), 2);
	assert_int_equal(variant(s, STR("1"), ""), -1);
	assert_int_equal(variant(s, STR("2"), ""), -1);
	assert_int_equal(variant(s, STR("3"), ""), 0);
	assert_int_equal(variant(s, STR("4"), ""), 0);
	store_free(s);
}

/* What is on its way and concerned is not stored, nor boarded any more; of one
 * that waits, nobody knows its tags. */
static void
test_purge_flights(void **state)
{
	static const struct {
		struct purge p;
		const char *fields;
		bool is_ready, stored;
	} cases[] = {
		{{PURGE_KEY, STR("k"), false}, "", false, false},
		{{PURGE_KEY, STR("k"), false}, "", true, false},
		{{PURGE_KEY, STR("k"), true}, "", true, false},
		{{PURGE_KEY, STR("l"), false}, "", true, true},
		{{PURGE_PREFIX, STR("k"), false}, "", false, false},
		{{PURGE_PREFIX, STR("l"), false}, "", false, true},
		{{PURGE_TAG, STR("a"), false}, "Cache-Tag: a\r\n", true, false},
		{{PURGE_TAG, STR("a"), false}, "Cache-Tag: b\r\n", true, true},
		{{PURGE_TAG, STR("a"), false}, "Cache-Tag: b\r\n", false,
			false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store *s = store_new(1 << 20);
		struct flight *f = begin_variant(s, STR("k"), "1"), *g;
		struct str fields = str_z(cases[i].fields);

		if (cases[i].is_ready)
			make_ready(s, f, "1", fields);
		assert_int_equal(store_purge(s, &cases[i].p), 0);
		if (!cases[i].is_ready)
			make_ready(s, f, "1", fields);
		if (!cases[i].stored) {
			g = begin_variant(s, STR("k"), "1");
			make_ready(s, g, "1", STR(""));
			land(s, g);
			assert_int_equal(store_count(s), 1);
			store_purge(s, &(struct purge){PURGE_KEY, STR("k"), 0});
		}
		land(s, f);
		assert_int_equal(store_count(s), cases[i].stored);
		store_free(s);
	}
}

/* In steps, while tables grow. */
static void
test_purge_some(void **state)
{
	struct store *s = store_new(1 << 26);
	struct purge_walk w = {.purge = {PURGE_PREFIX, STR("k"), false}};
	char key[16];
	unsigned steps = 0;

	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(s, str_z(key), 10);
	}
	do {
		for (int i = 0; i < 100; i++) {
			snprintf(key, sizeof(key), "n%u", 100 * steps + i);
			put(s, str_z(key), 10);
		}
		steps++;
	} while (store_purge_some(s, &w, 100));
	assert_int_equal(w.objects, 5000);
	assert_int_equal(store_count(s), 100 * steps);
	assert_in_range(steps, 5000 / 100, 5000);
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
		cmocka_unit_test(test_purge_key),
		cmocka_unit_test(test_purge_prefix),
		cmocka_unit_test(test_purge_tag),
		cmocka_unit_test(test_purge_flights),
		cmocka_unit_test(test_purge_some),
		cmocka_unit_test(test_evicts),
		cmocka_unit_test(test_evicts_large),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_threads_evicting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
