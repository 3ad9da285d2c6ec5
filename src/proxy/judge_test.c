/*
 * What becomes of a response that came for the cache: alone, or as a 304 for
 * what is stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "http/test_head.h"
#include "proxy/judge.h"
#include "proxy/test_object.h"

enum { NOW_S = 1000000 }; /* Mon, 12 Jan 1970 13:46:40 GMT */

#define DATE "Date: Mon, 12 Jan 1970 13:46:40 GMT\r\n"
#define MINUTE "Cache-Control: max-age=60\r\n"

/* A response to a request with these fields. */
struct scene {
	struct buf request, response;
	struct head head;
	struct judge_case c;
};

static void
scene_init(struct scene *e, const char *method, const char *request,
	unsigned status, const char *response)
{
	*e = (struct scene){0};
	buf_printf(&e->request, "%s / HTTP/1.1\r\nHost: a.test\r\n%s\r\n",
		method, request);
	test_response(status, response, &e->response, &e->head);
	e->c = (struct judge_case){
		.request = buf_view(&e->request),
		.response = &e->head,
		.frame.kind = FRAME_LENGTH,
		.frame.length = 100,
		.asked_at_s = NOW_S,
		.arrived_at_s = NOW_S,
		.object_max_bytes = 100,
	};
}

static void
scene_fini(struct scene *e)
{
	buf_fini(&e->request);
	buf_fini(&e->response);
}

/* --- a whole response ----------------------------------------------------- */

static void
test_judge(void **state)
{
	static const struct {
		const char *request, *response, *why_not; /* NULL: stored */
		bool for_all;
	} cases[] = {
		{"", MINUTE, NULL, true},
		{"", "Cache-Control: private\r\n", "private", true},
		{"Cache-Control: no-store\r\n", MINUTE, "request no-store",
			false},
		{"Cache-Control: no-store\r\n", "Cache-Control: private\r\n",
			"request no-store", false},
		{"Authorization: x\r\n", MINUTE, "Authorization", false},
		{"Authorization: x\r\n", "Cache-Control: s-maxage=60\r\n", NULL,
			false},
		{"", "", "no lifetime", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct judgement j;
		struct scene e;

		scene_init(&e, "GET", cases[i].request, 200, cases[i].response);
		judge(&e.c, &j);
		if (cases[i].why_not)
			assert_string_equal(
				j.response.why_not, cases[i].why_not);
		else
			assert_null(j.response.why_not);
		assert_int_equal(j.for_all, cases[i].for_all);
		assert_int_equal(j.response.status, 200);
		scene_fini(&e);
	}
}

static void
test_too_large(void **state)
{
	struct judgement j;
	struct scene e;

	scene_init(&e, "GET", "", 200, MINUTE);
	e.c.frame.length = 101;
	judge(&e.c, &j);
	assert_string_equal(j.response.why_not, "too large");
	assert_true(j.for_all);
	/* how long it gets is seen later */
	e.c.frame.kind = FRAME_CHUNKED;
	judge(&e.c, &j);
	assert_null(j.response.why_not);
	scene_fini(&e);
}

static void
test_unreadable_request(void **state)
{
	struct judgement j;
	struct scene e;

	scene_init(&e, "GET", "", 200, MINUTE);
	e.c.request.n -= 2;
	judge(&e.c, &j);
	assert_non_null(j.response.why_not);
	assert_false(j.for_all);
	scene_fini(&e);
}

/* --- what is stored ------------------------------------------------------- */

struct fixture {
	struct store *store;
	struct object *stored;
};

static struct fixture
store(const char *fields)
{
	struct response r = {.status = 200,
		.fields = str_z(fields),
		.length = -1,
		.born_s = NOW_S - 1000,
		.fresh.lifetime_s = 60};
	struct fixture x = {.store = store_new(1 << 20)};

	x.stored = test_object(x.store, &r, 4);
	return x;
}

static void
unstore(struct fixture *x)
{
	object_unref(x->stored);
	store_free(x->store);
}

static void
test_confirms(void **state)
{
	static const struct {
		const char *stored, *update;
		bool confirms;
	} cases[] = {
		{"ETag: \"a\"\r\n", "ETag: \"a\"\r\n", true},
		{"ETag: \"a\"\r\n", "ETag: W/\"a\"\r\n", true},
		{"ETag: \"a\"\r\n", "ETag: \"b\"\r\n", false},
		{"ETag: \"a\"\r\n", "", true},
		{"ETag: W/\"a\"\r\n", "ETag: \"a\"\r\n", false},
		{"ETag: W/\"a\"\r\n", "ETag: W/\"a\"\r\n", true},
		{"Last-Modified: Mon, 12 Jan 1970 13:46:40 GMT\r\n", "", true},
		{"Last-Modified: Mon, 12 Jan 1970 13:46:40 GMT\r\n",
			"ETag: \"a\"\r\n", false},
		{"Last-Modified: Mon, 12 Jan 1970 13:46:40 GMT\r\n",
			"Last-Modified: Mon, 12 Jan 1970 13:46:41 GMT\r\n",
			false},
		/* what was not asked about */
		{"", "", false},
		{"ETag: a\r\n", "", false},
		{"Last-Modified: yesterday\r\n", "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture x = store(cases[i].stored);
		struct scene e;

		scene_init(&e, "GET", "", 304, cases[i].update);
		if (judge_confirms(&e.c, x.stored) != cases[i].confirms)
			fail_msg("case %zu", i);
		scene_fini(&e);
		unstore(&x);
	}
}

static void
test_renewal(void **state)
{
	static const struct {
		const char *method, *request, *stored, *update;
		enum judge_renewal renewal;
	} cases[] = {
		{"GET", "", "ETag: \"a\"\r\n", MINUTE, RENEWAL_KEEP},
		{"HEAD", "", "ETag: \"a\"\r\n", MINUTE, RENEWAL_KEEP},
		/* what is stored has the directives */
		{"GET", "", "ETag: \"a\"\r\n" MINUTE, "", RENEWAL_KEEP},
		{"GET", "", "ETag: \"a\"\r\n" MINUTE,
			"Cache-Control: no-store\r\n", RENEWAL_DROP},
		{"HEAD", "", "ETag: \"a\"\r\n" MINUTE,
			"Cache-Control: private\r\n", RENEWAL_DROP},
		{"GET", "", "ETag: \"a\"\r\n" MINUTE, "Vary: *\r\n",
			RENEWAL_DROP},
		{"GET", "Cache-Control: no-store\r\n", "ETag: \"a\"\r\n" MINUTE,
			"", RENEWAL_ONCE},
		{"GET", "Authorization: x\r\n", "ETag: \"a\"\r\n" MINUTE, "",
			RENEWAL_ONCE},
		{"GET", "Authorization: x\r\n", "ETag: \"a\"\r\n" MINUTE,
			"Cache-Control: public\r\n", RENEWAL_KEEP},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture x = store(cases[i].stored);
		struct object *o;
		struct scene e;

		scene_init(&e, cases[i].method, cases[i].request, 304,
			cases[i].update);
		if (judge_renew(&e.c, x.stored, &o) != cases[i].renewal)
			fail_msg("case %zu", i);
		/* the body is the same, and so is its status */
		assert_int_equal(o->length, 4);
		assert_int_equal(o->status, 200);
		object_unref(o);
		scene_fini(&e);
		unstore(&x);
	}
}

static void
test_unreadable_renewal(void **state)
{
	struct fixture x = store("ETag: \"a\"\r\n" MINUTE);
	struct object *o = x.stored;
	struct scene e;

	scene_init(&e, "GET", "", 304, "");
	e.c.request.n -= 2;
	assert_int_equal(judge_renew(&e.c, x.stored, &o), RENEWAL_NONE);
	assert_ptr_equal(o, x.stored);
	scene_fini(&e);
	unstore(&x);
}

/* Each update is within its limits; what they add up to has to be, too. */
static void
test_growing_renewal(void **state)
{
	struct fixture x = store("ETag: \"a\"\r\n" MINUTE);
	struct object *o = object_ref(x.stored);
	enum judge_renewal renewal = RENEWAL_KEEP;
	unsigned n = 0;

	while (renewal == RENEWAL_KEEP && ++n < 10) {
		struct object *was = o;
		char update[10020];
		struct scene e;

		snprintf(update, sizeof(update), "X-%u: %09999u\r\n", n, 0);
		scene_init(&e, "GET", "", 304, update);
		renewal = judge_renew(&e.c, was, &o);
		if (renewal == RENEWAL_KEEP)
			object_unref(was);
		scene_fini(&e);
	}
	assert_int_equal(renewal, RENEWAL_NONE);
	assert_int_equal(n, 4);
	object_unref(o);
	unstore(&x);
}

/* Whatever age and date the stored one had, those of the update count. */
static void
test_renewed_age(void **state)
{
	static const struct {
		const char *update;
		int64_t age_s;
	} cases[] = {
		{"", 0},
		{DATE, 0},
		{"Age: 40\r\n", 40},
		{DATE "Age: 40\r\n", 40},
		{"Age: soon\r\n", 0},
		{"Date: Mon, 12 Jan 1970 13:46:10 GMT\r\n", 30},
		{"Date: Mon, 12 Jan 1970 13:46:10 GMT\r\nAge: 5\r\n", 30},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture x =
			store("ETag: \"a\"\r\n" MINUTE
			      "Date: Mon, 05 Jan 1970 00:00:00 GMT\r\n");
		struct object *o;
		struct scene e;

		scene_init(&e, "GET", "", 304, cases[i].update);
		assert_int_equal(judge_renew(&e.c, x.stored, &o), RENEWAL_KEEP);
		assert_int_equal(object_age_s(o, NOW_S), cases[i].age_s);
		assert_int_equal(o->fresh.lifetime_s, 60);
		object_unref(o);
		scene_fini(&e);
		unstore(&x);
	}
}

static void
test_renewed_fields(void **state)
{
	struct fixture x =
		store("ETag: \"a\"\r\nX: 1\r\nContent-Type: x/y\r\n");
	struct object *o;
	struct scene e;

	scene_init(&e, "GET", "Accept: Text/HTML\r\n", 304,
		MINUTE
		"X: 2\r\nAge: 3\r\nETag: W/\"a\"\r\nContent-Type: z/z\r\n"
		"Vary: Accept\r\n");
	assert_int_equal(judge_renew(&e.c, x.stored, &o), RENEWAL_KEEP);
	assert_true(str_eq(object_fields(o),
		STR("ETag: \"a\"\r\n" MINUTE "X: 2\r\nContent-Type: z/z\r\n"
		    "Vary: Accept\r\n" DATE)));
	assert_true(str_eq(object_selector(o), STR("accept:text/html\n")));
	assert_true(str_eq(object_key(o), object_key(x.stored)));
	object_unref(o);
	scene_fini(&e);
	unstore(&x);
}

static void
test_conditions(void **state)
{
	static const struct {
		const char *stored, *conditions;
	} cases[] = {
		{"", ""},
		{"ETag: \"a\"\r\n", "If-None-Match: \"a\"\r\n"},
		{"ETag: W/\"a\"\r\n", "If-None-Match: W/\"a\"\r\n"},
		{"ETag: a\r\n", ""},
		{"Last-Modified: Mon, 12 Jan 1970 13:46:40 GMT\r\n",
			"If-Modified-Since: Mon, 12 Jan 1970 13:46:40 GMT\r\n"},
		{"Last-Modified: yesterday\r\n", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture x = store(cases[i].stored);
		struct buf out = {0};

		judge_conditions(x.stored, &out);
		assert_true(str_eq(buf_view(&out), str_z(cases[i].conditions)));
		buf_fini(&out);
		unstore(&x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_unreadable_request),
		cmocka_unit_test(test_confirms),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_unreadable_renewal),
		cmocka_unit_test(test_growing_renewal),
		cmocka_unit_test(test_renewed_age),
		cmocka_unit_test(test_renewed_fields),
		cmocka_unit_test(test_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
