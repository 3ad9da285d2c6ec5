#pragma once
/*
 * A store's objects, for tests: each byte of a body is the last of its key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache/store.h"

static const struct response fresh = {
	.status = 200, .length = -1, .born_s = 1000, .fresh.lifetime_s = 60};

static inline void
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

static inline struct object *
find(struct store *s, struct str key)
{
	struct wanted w = {.key = key, .request = &no_fields};
	bool others;

	return store_find(s, &w, &others);
}

static inline enum store_result
board_seen(struct store *s, struct str key, const struct object *seen,
	struct flight **out)
{
	struct wanted w = {.key = key, .request = &no_fields};

	return store_board(s, &w, seen, out);
}

static inline struct flight *
board(struct store *s, struct str key, enum store_result expected)
{
	struct object *seen = find(s, key);
	struct flight *f = NULL;

	assert_int_equal(board_seen(s, key, seen, &f), expected);
	object_unref(seen);
	return f;
}

static inline void
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
