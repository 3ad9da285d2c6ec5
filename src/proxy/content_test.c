/*
 * What is behind the head of an answer: all of a body or parts of it, of what
 * is stored or on its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proxy/content.h"
#include "proxy/test_object.h"

static const struct response whole = {
	.status = 200, .length = -1, .fresh.lifetime_s = 60};

enum { LARGE = 1000000 };

static void
on_progress(struct reader *r)
{
}

static struct content
content(void)
{
	return (struct content){.reader.on_progress = on_progress};
}

/* Takes what is there now, so many bytes at a time, and appends it. */
static void
take(struct content *c, size_t at_a_time, struct buf *out)
{
	struct str s[3];
	size_t n;

	while ((n = content_peek(c, s, 3))) {
		size_t left = at_a_time, taken = 0;

		assert_int_equal(content_state(c), BODY_OPEN);
		for (size_t i = 0; i < n && left; i++) {
			size_t k = s[i].n < left ? s[i].n : left;

			buf_append(out, s[i].p, k);
			left -= k;
			taken += k;
		}
		content_advance(c, taken);
	}
}

static void
put_part(const struct multipart *m, struct range r, struct buf *out)
{
	multipart_put_part(m, r, out);
	for (uint64_t i = r.first; i <= r.last; i++)
		*buf_reserve(out, 1) = test_byte(i), buf_commit(out, 1);
}

static struct buf
wanted(const struct multipart *m, const struct range_parts *parts)
{
	struct buf b = {0};

	for (unsigned i = 0; i < parts->n; i++)
		put_part(m, parts->v[i], &b);
	multipart_put_end(m, &b);
	return b;
}

static void
assert_same(struct buf *got, struct buf *want)
{
	assert_int_equal(buf_len(got), buf_len(want));
	assert_memory_equal(buf_head(got), buf_head(want), buf_len(want));
}

static const struct multipart large = {
	.boundary = STR("b"), .content_type = STR("x/y"), .length = LARGE};

/* --- what is stored ------------------------------------------------------- */

static void
test_whole(void **state)
{
	const size_t sizes[] = {0, 10, OBJECT_FLAT, OBJECT_FLAT + 1, LARGE};
	struct store *s = store_new(1 << 26);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct object *o = test_object(s, &whole, sizes[i]);
		struct content c = content();
		struct buf got = {0};

		content_of_object(&c, o);
		take(&c, 777, &got);
		assert_int_equal(content_state(&c), BODY_DONE);
		assert_int_equal(buf_len(&got), sizes[i]);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(buf_head(&got)[j], test_byte(j));
		content_leave(&c);
		content_leave(&c);
		buf_fini(&got);
		object_unref(o);
	}
	store_free(s);
}

/* One part: no text around it. */
static void
test_single(void **state)
{
	static const struct range cases[] = {{0, 0}, {0, LARGE - 1},
		{65535, 65536}, {100000, 700000}, {LARGE - 1, LARGE - 1}};
	struct store *s = store_new(1 << 26);
	struct object *o = test_object(s, &whole, LARGE);
	struct content c = content();
	struct arena a = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct range_parts parts = {1, {cases[i]}};
		struct buf got = {0};

		content_of_object(&c, o);
		content_parts(&c, &parts, &large, &a);
		take(&c, 100000, &got);
		assert_int_equal(content_state(&c), BODY_DONE);
		assert_int_equal(buf_len(&got), range_length(cases[i]));
		for (size_t j = 0; j < buf_len(&got); j++)
			assert_int_equal(buf_head(&got)[j],
				test_byte(cases[i].first + j));
		buf_fini(&got);
	}
	content_leave(&c);
	object_unref(o);
	store_free(s);
	arena_fini(&a);
}

/* Across the pieces that a body lies in, up and down, a few bytes at a time. */
static void
test_multipart(void **state)
{
	static const struct range_parts cases[] = {
		{2, {{0, 9}, {20, 20}}},
		{3, {{1, 300000}, {400000, 800000}, {LARGE - 1, LARGE - 1}}},
		{3, {{800000, 999999}, {400000, 500000}, {0, 0}}},
		{4, {{65530, 65540}, {10, 20}, {131070, 131080}, {30, 40}}},
	};
	const size_t steps[] = {1, 13, 1 << 20};
	struct store *s = store_new(1 << 26);
	struct object *o = test_object(s, &whole, LARGE);
	struct content c = content();
	struct arena a = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t j = 0; j < 3; j++) {
			struct buf want = wanted(&large, &cases[i]), got = {0};

			content_of_object(&c, o);
			assert_true(content_has_order(&c, &cases[i]));
			content_parts(&c, &cases[i], &large, &a);
			take(&c, steps[j], &got);
			assert_int_equal(content_state(&c), BODY_DONE);
			assert_same(&got, &want);
			assert_int_equal(buf_len(&got),
				multipart_length(&large, &cases[i]));
			buf_fini(&got);
			buf_fini(&want);
		}
	content_leave(&c);
	object_unref(o);
	store_free(s);
	arena_fini(&a);
}

static void
test_nothing(void **state)
{
	struct store *s = store_new(1 << 20);
	struct object *o = test_object(s, &whole, 10);
	struct content c = content();
	struct str slice;

	content_of_object(&c, o);
	content_nothing(&c);
	assert_int_equal(content_peek(&c, &slice, 1), 0);
	assert_int_equal(content_state(&c), BODY_DONE);
	/* and all of it again */
	content_of_object(&c, o);
	assert_int_equal(content_peek(&c, &slice, 1), 1);
	content_leave(&c);
	object_unref(o);
	store_free(s);
}

/* --- what is on its way --------------------------------------------------- */

static struct budget budget = {.limit_bytes = UINT64_MAX};

static struct flight *
begin(struct content *c)
{
	struct flight *f = flight_new(&budget);

	flight_ready(f, &whole);
	*c = content();
	assert_int_equal(content_of_flight(c, f), 0);
	return f;
}

static void
finish(struct content *c, struct flight *f)
{
	content_leave(c);
	flight_unref(f);
	assert_int_equal(budget.used_bytes, 0);
}

/* Each part comes as soon as its bytes have; nothing else is waited for. */
static void
test_flight(void **state)
{
	static const struct range_parts parts = {
		2, {{10, 19}, {300000, 300009}}};
	struct buf got = {0}, want = wanted(&large, &parts), first = {0};
	struct arena a = {0};
	struct content c;
	struct flight *f = begin(&c);

	content_parts(&c, &parts, &large, &a);
	take(&c, 5, &got);
	multipart_put_part(&large, parts.v[0], &first);
	assert_same(&got, &first); /* text needs no waiting */
	assert_int_equal(content_state(&c), BODY_OPEN);
	test_append(&f->body, 0, 10);
	take(&c, 5, &got);
	assert_same(&got, &first);
	test_append(&f->body, 10, 5);
	take(&c, 5, &got);
	assert_int_equal(buf_len(&got), buf_len(&first) + 5);
	/* the writer is let go on, over what nobody wants */
	for (uint64_t at = 15; at < 300010; at += 5) {
		assert_true(body_window(&f->body) >= 5);
		test_append(&f->body, at, 5);
		take(&c, 100, &got);
	}
	assert_same(&got, &want);
	/* done before the body is */
	assert_int_equal(content_state(&c), BODY_DONE);
	body_end(&f->body, BODY_FAILED);
	assert_int_equal(content_state(&c), BODY_DONE);
	finish(&c, f);
	buf_fini(&first);
	buf_fini(&want);
	buf_fini(&got);
	arena_fini(&a);
}

/* The last part ends where the body does: the text behind it still comes. */
static void
test_flight_to_its_end(void **state)
{
	static const struct multipart m = {.boundary = STR("b"), .length = 100};
	static const struct range_parts parts = {2, {{0, 0}, {90, 99}}};
	struct buf got = {0}, want = wanted(&m, &parts);
	struct arena a = {0};
	struct content c;
	struct flight *f = begin(&c);

	content_parts(&c, &parts, &m, &a);
	test_append(&f->body, 0, 100);
	body_end(&f->body, BODY_DONE);
	take(&c, 3, &got);
	assert_int_equal(content_state(&c), BODY_DONE);
	assert_same(&got, &want);
	finish(&c, f);
	buf_fini(&want);
	buf_fini(&got);
	arena_fini(&a);
}

/* What came before the failure is given first. */
static void
test_flight_fails(void **state)
{
	static const struct range_parts cases[] = {
		{1, {{10, 99}}},
		{2, {{10, 19}, {40, 99}}},
		{2, {{10, 19}, {80, 99}}},
	};
	const size_t given[] = {40, 20, 10};
	const enum body_state ends[] = {BODY_FAILED, BODY_DONE};

	for (size_t i = 0; i < 6; i++) {
		const struct range_parts *parts = &cases[i / 2];
		struct buf got = {0}, text = {0};
		struct arena a = {0};
		struct content c;
		struct flight *f = begin(&c);

		content_parts(&c, parts, &large, &a);
		test_append(&f->body, 0, 50);
		/* too short is as bad */
		body_end(&f->body, ends[i % 2]);
		assert_int_equal(content_state(&c), BODY_OPEN);
		take(&c, 7, &got);
		assert_int_equal(content_state(&c), BODY_FAILED);
		for (unsigned j = 0; parts->n > 1 && j < parts->n; j++)
			multipart_put_part(&large, parts->v[j], &text);
		assert_int_equal(buf_len(&got), buf_len(&text) + given[i / 2]);
		finish(&c, f);
		buf_fini(&text);
		buf_fini(&got);
		arena_fini(&a);
	}
}

/* It ends before the first byte that is wanted: nobody need ask for bytes to
 * learn of it. */
static void
test_flight_fails_before(void **state)
{
	static const struct range_parts one = {1, {{60, 99}}};
	struct arena a = {0};
	struct content c;
	struct flight *f = begin(&c);

	content_parts(&c, &one, NULL, &a);
	test_append(&f->body, 0, 50);
	body_end(&f->body, BODY_FAILED);
	assert_int_equal(content_state(&c), BODY_FAILED);
	finish(&c, f);
	arena_fini(&a);
}

static void
test_flight_order(void **state)
{
	static const struct range_parts up = {2, {{0, 9}, {20, 29}}};
	static const struct range_parts down = {2, {{20, 29}, {0, 9}}};
	struct content c;
	struct flight *f = begin(&c);

	assert_true(content_has_order(&c, &up));
	assert_false(content_has_order(&c, &down));
	finish(&c, f);
}

static void
test_flight_whole(void **state)
{
	struct buf got = {0};
	struct content c;
	struct flight *f = begin(&c);

	assert_int_equal(content_state(&c), BODY_OPEN);
	test_append(&f->body, 0, 100);
	body_end(&f->body, BODY_DONE);
	assert_int_equal(content_state(&c), BODY_OPEN);
	take(&c, 7, &got);
	assert_int_equal(buf_len(&got), 100);
	assert_int_equal(content_state(&c), BODY_DONE);
	finish(&c, f);
	buf_fini(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_flight),
		cmocka_unit_test(test_flight_to_its_end),
		cmocka_unit_test(test_flight_fails),
		cmocka_unit_test(test_flight_fails_before),
		cmocka_unit_test(test_flight_order),
		cmocka_unit_test(test_flight_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
