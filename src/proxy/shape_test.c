/*
 * What a client gets of a whole response, as its Range and conditions say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "http/test_head.h"
#include "proxy/shape.h"
#include "proxy/test_object.h"

#define FIELDS                                                   \
	"Date: Mon, 12 Jan 1970 13:46:40 GMT\r\nETag: \"a\"\r\n" \
	"Last-Modified: Mon, 05 Jan 1970 00:00:00 GMT\r\n"       \
	"Content-Type: x/y\r\nContent-Encoding: gzip\r\nX: 1\r\n"

static const struct response whole = {
	.status = 200, .fields = STR(FIELDS), .length = 100};

/* A request for a stored response of 100 bytes, or for one on its way. */
struct scene {
	struct store *store; /* NULL: on its way */
	struct exchange x;
	struct buf request;
};

static void
on_progress(struct reader *r)
{
}

static void
scene_init(struct scene *e, const char *method, const char *request,
	const struct response *r)
{
	*e = (struct scene){.store = store_new(1 << 20)};
	test_request(method, request, &e->request, &e->x.head);
	e->x.content.reader.on_progress = on_progress;
	e->x.from = FROM_HIT;
	e->x.object = test_object(e->store, r, 100);
	object_response(e->x.object, &e->x.response);
	content_of_object(&e->x.content, e->x.object);
}

/* With its head there, and none of its body. */
static void
scene_init_flight(
	struct scene *e, const char *request, const struct response *r)
{
	static struct budget budget = {.limit_bytes = UINT64_MAX};

	*e = (struct scene){.x.from = FROM_MISS};
	test_request("GET", request, &e->request, &e->x.head);
	e->x.content.reader.on_progress = on_progress;
	e->x.flight = flight_new(&budget);
	flight_ready(e->x.flight, r);
	assert_int_equal(content_of_flight(&e->x.content, e->x.flight), 0);
}

static void
scene_fini(struct scene *e)
{
	content_leave(&e->x.content);
	object_unref(e->x.object);
	flight_unref(e->x.flight);
	arena_fini(&e->x.arena);
	buf_fini(&e->request);
	store_free(e->store);
}

/* How many bytes it has; they are taken. */
static size_t
drain(struct content *c)
{
	size_t n = 0;
	struct str s;

	while (content_peek(c, &s, 1)) {
		n += s.n;
		content_advance(c, s.n);
	}
	return n;
}

static void
test_shapes(void **state)
{
	static const struct {
		const char *method, *request;
		unsigned status;
		int64_t length;
		const char *added; /* NULL: not looked at */
	} cases[] = {
		{"GET", "", 200, 100, ""},
		{"GET", "Range: bytes=0-9\r\n", 206, 10,
			"Content-Range: bytes 0-9/100\r\n"},
		{"GET", "Range: bytes=-1\r\n", 206, 1,
			"Content-Range: bytes 99-99/100\r\n"},
		{"GET", "Range: bytes=0-9,20-29\r\n", 206, -2, NULL},
		{"GET", "Range: bytes=20-29,0-9\r\n", 206, -2, NULL},
		{"GET", "Range: bytes=100-\r\n", 416, 0,
			"Content-Range: bytes */100\r\n"},
		{"GET", "Range: lines=0-9\r\n", 200, 100, ""},
		{"HEAD", "Range: bytes=0-9\r\n", 200, 100, ""},
		{"GET", "Range: bytes=0-9\r\nIf-Range: \"b\"\r\n", 200, 100,
			""},
		{"GET", "If-None-Match: \"a\"\r\n", 304, 0, ""},
		{"HEAD", "If-None-Match: \"a\"\r\n", 304, 0, ""},
		{"GET", "If-None-Match: \"a\"\r\nRange: bytes=0-9\r\n", 304, 0,
			""},
		{"GET", "If-Match: \"b\"\r\n", 412, 0, ""},
		{"GET", "If-Match: \"b\"\r\nRange: bytes=100-\r\n", 412, 0, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shape s;
		struct scene e;

		scene_init(&e, cases[i].method, cases[i].request, &whole);
		shape_answer(&e.x, &s);
		assert_int_equal(s.status, cases[i].status);
		if (cases[i].added)
			assert_true(str_eq(s.added, str_z(cases[i].added)));
		/* what the head says is what comes */
		if (cases[i].length != -2)
			assert_int_equal(s.length, cases[i].length);
		assert_int_equal(drain(&e.x.content), s.length);
		assert_int_equal(content_state(&e.x.content), BODY_DONE);
		scene_fini(&e);
	}
}

/* Parts are of what is whole, and conditions of a 200, and ours to judge. */
static void
test_not_ours(void **state)
{
	static const struct response missing = {
		.status = 404, .fields = STR(FIELDS), .length = 100};
	struct shape s;
	struct scene e;

	scene_init(
		&e, "GET", "Range: bytes=0-9\r\nIf-Match: \"b\"\r\n", &missing);
	shape_answer(&e.x, &s);
	assert_int_equal(s.status, 404);
	assert_int_equal(drain(&e.x.content), 100);
	scene_fini(&e);

	scene_init(
		&e, "GET", "Range: bytes=0-9\r\nIf-Match: \"b\"\r\n", &whole);
	e.x.from = FROM_PEER;
	shape_answer(&e.x, &s);
	assert_int_equal(s.status, 200);
	e.x.from = FROM_PASS;
	shape_answer(&e.x, &s);
	assert_int_equal(s.status, 200);
	assert_int_equal(drain(&e.x.content), 100);
	scene_fini(&e);
}

static void
test_fields(void **state)
{
	static const struct {
		const char *request, *fields;
	} cases[] = {
		{"", FIELDS},
		{"Range: bytes=0-9\r\n", FIELDS},
		{"Range: bytes=0-9,20-29\r\n",
			"Date: Mon, 12 Jan 1970 13:46:40 GMT\r\nETag: \"a\"\r\n"
			"Last-Modified: Mon, 05 Jan 1970 00:00:00 GMT\r\n"
			"Content-Encoding: gzip\r\nX: 1\r\n"},
		{"If-None-Match: \"a\"\r\n",
			"Date: Mon, 12 Jan 1970 13:46:40 GMT\r\nETag: \"a\"\r\n"
			"X: 1\r\n"},
		{"If-Match: \"b\"\r\n",
			"Date: Mon, 12 Jan 1970 13:46:40 GMT\r\n"},
		{"Range: bytes=100-\r\n",
			"Date: Mon, 12 Jan 1970 13:46:40 GMT\r\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = {0};
		struct shape s;
		struct scene e;

		scene_init(&e, "GET", cases[i].request, &whole);
		shape_answer(&e.x, &s);
		shape_put_fields(&s, whole.fields, &out);
		assert_true(str_eq(buf_view(&out), str_z(cases[i].fields)));
		buf_fini(&out);
		scene_fini(&e);
	}
}

/* Two parts never have the same text between them. */
static void
test_boundary(void **state)
{
	struct shape a, b;
	struct scene e;

	scene_init(&e, "GET", "Range: bytes=0-9,20-29\r\n", &whole);
	shape_answer(&e.x, &a);
	shape_answer(&e.x, &b);
	assert_true(str_starts(
		a.added, STR("Content-Type: multipart/byteranges; boundary=")));
	assert_int_equal(a.added.n, b.added.n);
	assert_false(str_eq(a.added, b.added));
	scene_fini(&e);
}

/* What is on its way: its length may not be known, or not yet. */
static void
test_flight(void **state)
{
	struct response r = {
		.status = 200, .fields = STR(FIELDS), .length = -1};
	struct shape s;
	struct scene e;

	scene_init_flight(&e, "Range: bytes=-5\r\n", &r);
	shape_answer(&e.x, &s);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.length, -1);
	test_append(&e.x.flight->body, 0, 20);
	body_end(&e.x.flight->body, BODY_DONE);
	shape_answer(&e.x, &s);
	assert_int_equal(s.status, 206);
	assert_true(str_eq(s.added, STR("Content-Range: bytes 15-19/20\r\n")));
	assert_int_equal(drain(&e.x.content), 5);
	scene_fini(&e);
}

static void
test_flight_backwards(void **state)
{
	struct shape s;
	struct scene e;

	scene_init_flight(&e, "Range: bytes=20-29,0-9\r\n", &whole);
	shape_answer(&e.x, &s);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.length, 100);
	test_append(&e.x.flight->body, 0, 100);
	body_end(&e.x.flight->body, BODY_DONE);
	assert_int_equal(drain(&e.x.content), 100);
	scene_fini(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_flight),
		cmocka_unit_test(test_flight_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
