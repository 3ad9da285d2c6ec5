#pragma once
/* For tests: objects and flights with a body that tells where each byte is. */
#include "base/check.h"
#include "cache/store.h"

static inline char
test_byte(uint64_t i)
{
	return (char)('a' + (i * 2654435761u >> 7) % 26);
}

/* Bytes first to first + n of it. */
static inline void
test_append(struct body *b, uint64_t first, size_t n)
{
	while (n) {
		size_t room;
		char *at = body_room(b, n, &room);

		room = room < n ? room : n;
		for (size_t i = 0; i < room; i++)
			at[i] = test_byte(first + i);
		body_commit(b, room);
		first += room;
		n -= room;
	}
}

/* As the answer to a GET with these fields ("Name: value\r\n"...); to be
 * unref'd before the store ends. */
static inline struct object *
test_object(struct store *s, const struct response *r, size_t length)
{
	static const struct head request = {.method = METHOD_GET};
	struct wanted w = {.key = STR("http://a.test/"), .request = &request};
	struct flight *f;
	bool others;
	struct object *o;

	f = store_begin_alone(s, &w);
	store_select(s, f, STR(""));
	flight_ready(f, r);
	test_append(&f->body, 0, length);
	body_end(&f->body, BODY_DONE);
	store_keep(s, f);
	flight_unref(f);
	o = store_find(s, &w, &others);
	CHECK(o);
	return o;
}
