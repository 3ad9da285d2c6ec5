#include "cache/body.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"

enum {
	CHUNK_FIRST = 4 * 1024,
	PEEK_BYTES = 1024 * 1024, /* and few more, are looked at in one go */
	TELL_BYTES = 32 * 1024,	  /* the writer hears of each so many bytes */
};

void
body_init(struct body *b, struct budget *budget, bool transient)
{
	*b = (struct body){.budget = budget};
	pthread_mutex_init(&b->lock, NULL);
	list_init(&b->readers);
	atomic_init(&b->transient, transient);
}

void
body_fini(struct body *b)
{
	CHECK(list_empty(&b->readers));
	chunk_unref(b->budget, atomic_load(&b->first));
	chunk_unref(b->budget, b->last);
	pthread_mutex_destroy(&b->lock);
}

/* --- the writer ---------------------------------------------------------- */

void
body_set_tap(struct body *b, struct tap *t)
{
	pthread_mutex_lock(&b->lock);
	b->tap = t;
	pthread_mutex_unlock(&b->lock);
}

static void
notify_locked(struct body *b)
{
	list_foreach (it, &b->readers) {
		struct reader *r = container_of(it, struct reader, link);

		r->on_progress(r);
	}
}

void
body_notify(struct body *b)
{
	pthread_mutex_lock(&b->lock);
	notify_locked(b);
	pthread_mutex_unlock(&b->lock);
}

static void
append_chunk(struct body *b, struct chunk *c)
{
	struct chunk *last = b->last;

	b->last = chunk_ref(c);
	if (last) {
		atomic_store_explicit(&last->next, c, memory_order_release);
		chunk_unref(b->budget, last);
		return;
	}
	atomic_store_explicit(&b->first, c, memory_order_release);
}

static bool
is_transient(const struct body *b)
{
	return atomic_load_explicit(&b->transient, memory_order_relaxed);
}

/* Of the next chunk; when nobody knows what is to come, as much again as there
 * has been. */
static uint32_t
next_cap(struct body *b, size_t hint)
{
	size_t cap = hint ? hint : body_filled(b);

	if (!hint && cap < CHUNK_FIRST)
		cap = CHUNK_FIRST;
	return cap < CHUNK_MAX ? (uint32_t)cap : CHUNK_MAX;
}

char *
body_room(struct body *b, size_t hint, size_t *n)
{
	struct chunk *c = b->last;
	uint32_t len =
		c ? atomic_load_explicit(&c->len, memory_order_relaxed) : 0;

	if (!c || len == c->cap) {
		uint32_t cap = next_cap(b, hint);

		c = is_transient(b) ? chunk_new(b->budget, cap)
				    : chunk_new_kept(b->budget, cap, PAGES_NEW);
		append_chunk(b, c);
		len = 0;
	}
	*n = c->cap - len;
	return c->data + len;
}

void
body_commit(struct body *b, size_t n)
{
	struct chunk *c = b->last;
	uint32_t len = atomic_load_explicit(&c->len, memory_order_relaxed);

	CHECK(n <= c->cap - len);
	atomic_store_explicit(&c->len, len + (uint32_t)n, memory_order_release);
	atomic_fetch_add_explicit(&b->filled, n, memory_order_release);
	body_notify(b);
}

void
body_append(struct body *b, const void *p, size_t n)
{
	while (n) {
		size_t room;
		char *at = body_room(b, 0, &room);
		size_t take = n < room ? n : room;

		memcpy(at, p, take);
		body_commit(b, take);
		p = (const char *)p + take;
		n -= take;
	}
}

void
body_end(struct body *b, enum body_state state)
{
	CHECK(body_state(b) == BODY_OPEN && state != BODY_OPEN);
	pthread_mutex_lock(&b->lock);
	b->tap = NULL;
	atomic_store_explicit(&b->state, state, memory_order_release);
	notify_locked(b);
	pthread_mutex_unlock(&b->lock);
}

void
body_release(struct body *b)
{
	struct chunk *first;

	pthread_mutex_lock(&b->lock);
	first = atomic_exchange(&b->first, NULL);
	list_foreach (it, &b->readers) {
		struct reader *r = container_of(it, struct reader, link);

		if (!r->at && first)
			r->at = chunk_ref(first);
	}
	atomic_store(&b->transient, true);
	pthread_mutex_unlock(&b->lock);
	chunk_unref(b->budget, first);
}

static uint64_t
consumed_locked(struct body *b)
{
	uint64_t least = body_filled(b);

	list_foreach (it, &b->readers) {
		uint64_t pos = atomic_load_explicit(
			&container_of(it, struct reader, link)->pos,
			memory_order_relaxed);

		if (pos < least)
			least = pos;
	}
	return least;
}

uint64_t
body_consumed(struct body *b)
{
	uint64_t least;

	pthread_mutex_lock(&b->lock);
	least = consumed_locked(b);
	pthread_mutex_unlock(&b->lock);
	return least;
}

size_t
body_window(struct body *b)
{
	uint64_t behind;

	if (!atomic_load(&b->transient))
		return SIZE_MAX;
	behind = body_filled(b) - body_consumed(b);
	return behind < BODY_WINDOW ? BODY_WINDOW - behind : 0;
}

struct chunk *
body_first(struct body *b)
{
	struct chunk *first = atomic_load(&b->first);

	CHECK(body_state(b) == BODY_DONE);
	return first ? chunk_ref(first) : NULL;
}

bool
body_orphaned(struct body *b)
{
	bool orphaned;

	pthread_mutex_lock(&b->lock);
	orphaned = atomic_load(&b->transient) && list_empty(&b->readers);
	pthread_mutex_unlock(&b->lock);
	return orphaned;
}

bool
body_is_shared(struct body *b)
{
	bool shared;

	pthread_mutex_lock(&b->lock);
	shared = b->readers.next != b->readers.prev;
	pthread_mutex_unlock(&b->lock);
	return shared;
}

/* --- a reader ------------------------------------------------------------ */

static void
start(struct reader *r)
{
	CHECK(!r->body);
	r->at = NULL;
	r->flat = (struct str){0};
	r->offset = 0;
	atomic_store_explicit(&r->pos, 0, memory_order_relaxed);
	r->told = 0;
	r->counted = false;
	list_init(&r->link);
}

void
reader_attach_flat(struct reader *r, struct str s)
{
	start(r);
	r->flat = s;
}

void
reader_attach_chunks(struct reader *r, struct chunk *first)
{
	start(r);
	r->at = first;
}

int
reader_attach(struct reader *r, struct body *b)
{
	bool stale;

	start(r);
	/* A complete body that is kept: nothing to wait for or to count. */
	if (body_state(b) == BODY_DONE && !atomic_load(&b->transient)) {
		r->body = b;
		return 0;
	}
	pthread_mutex_lock(&b->lock);
	stale = body_filled(b) && !atomic_load(&b->first);
	if (!stale) {
		r->body = b;
		r->counted = true;
		list_push_back(&b->readers, &r->link);
	}
	pthread_mutex_unlock(&b->lock);
	return stale ? -ESTALE : 0;
}

void
reader_detach(struct reader *r)
{
	struct body *b = r->body;

	if (!b)
		return;
	r->body = NULL;
	if (!r->counted)
		return;
	pthread_mutex_lock(&b->lock);
	list_remove(&r->link);
	if (b->tap && atomic_load(&b->transient))
		b->tap->on_consumed(b->tap);
	pthread_mutex_unlock(&b->lock);
	chunk_unref(b->budget, r->at);
}

/* Finds the reader's first chunk. A transient body has one reader that is
 * there from the start: it takes over the body's own reference. */
static bool
stand(struct reader *r)
{
	struct body *b = r->body;
	struct chunk *first;

	if (r->at)
		return true;
	if (!b)
		return false;
	if (!r->counted) {
		r->at = atomic_load_explicit(&b->first, memory_order_acquire);
		return r->at;
	}
	pthread_mutex_lock(&b->lock);
	first = atomic_load_explicit(&b->first, memory_order_acquire);
	if (!r->at && first) {
		r->at = first;
		if (atomic_load(&b->transient))
			atomic_store(&b->first, NULL);
		else
			chunk_ref(first);
	}
	pthread_mutex_unlock(&b->lock);
	return r->at;
}

/* Appends s to the n slices; how many there are then. */
static size_t
add_slice(struct str *slices, size_t n, struct str s)
{
	if (n && slices[n - 1].p + slices[n - 1].n == s.p)
		slices[n - 1].n += s.n;
	else
		slices[n++] = s;
	return n;
}

size_t
reader_peek(struct reader *r, struct str *slices, size_t max)
{
	size_t n = 0, bytes = 0;
	uint32_t offset = r->offset;

	if (r->flat.n) {
		slices[0] = r->flat;
		return 1;
	}
	if (!stand(r))
		return 0;
	for (struct chunk *c = r->at; c && n < max && bytes < PEEK_BYTES;
		offset = 0) {
		/* next before len: once there is a next, len is final */
		struct chunk *next =
			atomic_load_explicit(&c->next, memory_order_acquire);
		uint32_t len =
			atomic_load_explicit(&c->len, memory_order_acquire);

		if (len > offset)
			n = add_slice(slices, n,
				str_of(c->data + offset, len - offset));
		bytes += len - offset;
		c = next;
	}
	return n;
}

static void
hop(struct reader *r, struct chunk *next)
{
	struct chunk *was = r->at;

	r->at = r->counted ? chunk_ref(next) : next;
	r->offset = 0;
	if (r->counted)
		chunk_unref(r->body->budget, was);
}

static void
tell_writer(struct reader *r)
{
	struct body *b = r->body;
	uint64_t pos = atomic_load_explicit(&r->pos, memory_order_relaxed);

	if (!r->counted ||
		!atomic_load_explicit(&b->transient, memory_order_acquire))
		return;
	if (pos - r->told < TELL_BYTES && pos != body_filled(b))
		return;
	r->told = pos;
	pthread_mutex_lock(&b->lock);
	if (b->tap)
		b->tap->on_consumed(b->tap);
	pthread_mutex_unlock(&b->lock);
}

void
reader_advance(struct reader *r, size_t n)
{
	if (n == 0)
		return;
	atomic_store_explicit(&r->pos,
		atomic_load_explicit(&r->pos, memory_order_relaxed) + n,
		memory_order_relaxed); /* its only writer */
	if (r->flat.n) {
		CHECK(n <= r->flat.n);
		r->flat = str_of(r->flat.p + n, r->flat.n - n);
		return;
	}
	for (;;) {
		struct chunk *next = atomic_load_explicit(
			&r->at->next, memory_order_acquire);
		uint32_t len =
			atomic_load_explicit(&r->at->len, memory_order_acquire);
		size_t here = len - r->offset;
		size_t take = n < here ? n : here;

		r->offset += (uint32_t)take;
		n -= take;
		if (r->offset < len || !next)
			break;
		hop(r, next);
	}
	CHECK(n == 0);
	tell_writer(r);
}
