#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "cache/test_store.h"

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

/* What has been purged softly stays so when it moves to other memory. */
static void
test_purge_moved(void **state)
{
	struct store *s = store_new(16 << 20);
	struct purge p = {PURGE_KEY, STR("k"), true};
	struct object *first, *now;
	char key[16];

	put(s, STR("k"), 40000);
	first = find(s, STR("k"));
	assert_int_equal(store_purge(s, &p), 1);
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		put(s, str_z(key), 40000);
		object_unref(find(s, STR("k")));
	}
	now = find(s, STR("k"));
	assert_non_null(now);
	assert_ptr_not_equal(now, first);
	assert_true(now->outdated);
	object_unref(first);
	object_unref(now);
	store_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_purge_key),
		cmocka_unit_test(test_purge_prefix),
		cmocka_unit_test(test_purge_tag),
		cmocka_unit_test(test_purge_flights),
		cmocka_unit_test(test_purge_some),
		cmocka_unit_test(test_purge_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
