/*
 * What is on its way to a store: who boards, who has to fetch, and what becomes
 * of it.
 */
#include "cache/store_internal.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/vary.h"

/* --- boarding ------------------------------------------------------------- */

/* It is no better than what is stored and stale, by now. */
static bool
is_over(const struct flight *f, const struct wanted *w)
{
	const struct response *r = &f->response;

	return flight_phase(f) == FLIGHT_READY && w->now_s &&
		(r->fresh.no_cache ||
			w->now_s - r->born_s >= r->fresh.lifetime_s);
}

/* What it selects is not known before its head: whoever boards until then may
 * find that it is not for him. */
static struct flight *
find_flight(struct shard *h, const struct wanted *w, uint64_t hash)
{
	list_foreach (it, &h->flights) {
		struct flight *f = container_of(it, struct flight, link);

		if (f->hash == hash && !f->alone && !f->purged &&
			f->authorized == w->authorized &&
			str_eq(flight_key(f), w->key) && !is_over(f, w) &&
			(!f->selector.p ||
				vary_matches(f->selector, w->request)))
			return f;
	}
	return NULL;
}

static char *
copy(struct budget *budget, struct str s)
{
	char *p = xmalloc(s.n);

	if (s.n)
		memcpy(p, s.p, s.n);
	budget_add(budget, s.n);
	return p;
}

static void
select_locked(struct flight *f, struct str selector)
{
	struct budget *budget = f->body.budget;

	if (f->selector.p && str_eq(f->selector, selector))
		return;
	budget_sub(budget, f->selector.n);
	free((char *)f->selector.p);
	f->selector = str_of(copy(budget, selector), selector.n);
}

/* As other variants of its key, so that requests for another one than this
 * need not wait for its head to learn that. */
static void
guess_locked(
	struct flight *f, const struct wanted *w, const struct object *other)
{
	struct buf selector = {0};

	vary_again(object_selector(other), w->request, &selector);
	select_locked(f, buf_view(&selector));
	buf_fini(&selector);
}

static struct flight *
begin_locked(
	struct store *s, struct shard *h, const struct wanted *w, uint64_t hash)
{
	struct flight *f = flight_new(&s->budget);

	atomic_store(&f->body.transient, false);
	f->key = copy(&s->budget, w->key);
	f->key_bytes = w->key.n;
	f->hash = hash;
	f->serial = atomic_fetch_add(&s->serials, 1);
	f->authorized = w->authorized;
	list_push_back(&h->flights, &f->link);
	return f;
}

enum store_result
store_board(struct store *s, const struct wanted *w, const struct object *seen,
	struct flight **out)
{
	uint64_t hash = hash_of_wanted(w);
	struct shard *h = shard_of(s, hash);
	enum store_result r = STORE_JOIN;
	struct object *other;
	struct flight *f;

	pthread_mutex_lock(&h->lock);
	f = find_flight(h, w, hash);
	if (f) {
		*out = flight_ref(f);
	} else if (shard_find(h, w, hash, &other) != seen) {
		r = STORE_STORED;
	} else {
		*out = flight_ref(begin_locked(s, h, w, hash));
		if (other)
			guess_locked(*out, w, other);
		r = STORE_BEGIN;
	}
	pthread_mutex_unlock(&h->lock);
	return r;
}

struct flight *
store_flight(struct store *s, const struct wanted *w)
{
	uint64_t hash = hash_of_wanted(w);
	struct shard *h = shard_of(s, hash);
	struct flight *f;

	pthread_mutex_lock(&h->lock);
	f = find_flight(h, w, hash);
	if (f)
		flight_ref(f);
	pthread_mutex_unlock(&h->lock);
	return f;
}

struct flight *
store_begin_alone(struct store *s, const struct wanted *w)
{
	uint64_t hash = hash_of_wanted(w);
	struct shard *h = shard_of(s, hash);
	struct flight *f;

	pthread_mutex_lock(&h->lock);
	f = flight_ref(begin_locked(s, h, w, hash));
	f->alone = true;
	pthread_mutex_unlock(&h->lock);
	return f;
}

/* --- on its way ----------------------------------------------------------- */

void
store_select(struct store *s, struct flight *f, struct str selector)
{
	struct shard *h = shard_of(s, f->hash);

	pthread_mutex_lock(&h->lock);
	select_locked(f, selector);
	pthread_mutex_unlock(&h->lock);
}

/* In the order of addresses; they may be the same. */
static void
lock_both(struct shard *a, struct shard *b)
{
	if (a != b)
		pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

static void
unlock_both(struct shard *a, struct shard *b)
{
	if (a != b)
		pthread_mutex_unlock(&a->lock);
	pthread_mutex_unlock(&b->lock);
}

void
store_rename(struct store *s, struct flight *f, struct str key)
{
	uint64_t hash = hash_of(key);
	struct shard *from = shard_of(s, f->hash), *to = shard_of(s, hash);

	lock_both(from, to);
	budget_sub(&s->budget, f->key_bytes);
	free(f->key);
	f->key = copy(&s->budget, key);
	f->key_bytes = key.n;
	f->hash = hash;
	list_foreach (it, &to->flights) {
		struct flight *other = container_of(it, struct flight, link);

		if (other != f && other->hash == hash &&
			str_eq(flight_key(other), key))
			f->alone = true;
	}
	if (list_linked(&f->link)) {
		list_remove(&f->link);
		list_push_back(&to->flights, &f->link);
	}
	unlock_both(from, to);
}

/* The caller tells the body's readers, once the lock is free. */
static void
depart_locked(struct flight *f)
{
	atomic_store_explicit(&f->landed, true, memory_order_release);
	if (list_linked(&f->link)) {
		list_remove(&f->link);
		flight_unref(f);
	}
}

void
store_depart(struct store *s, struct flight *f)
{
	struct shard *h = shard_of(s, f->hash);

	pthread_mutex_lock(&h->lock);
	depart_locked(f);
	pthread_mutex_unlock(&h->lock);
	body_notify(&f->body);
}

/* --- what it brings ------------------------------------------------------- */

/* The flight has brought o, in place of old ones like it, and of `old` (NULL:
 * none). */
static void
land(struct store *s, struct flight *f, struct object *old, struct object *o)
{
	struct shard *h = shard_of(s, f->hash);

	pthread_mutex_lock(&h->lock);
	if (f->purged) {
		object_unref(o);
	} else {
		if (old && old->stored)
			shard_remove_locked(h, old);
		shard_put_locked(h, o);
	}
	depart_locked(f);
	pthread_mutex_unlock(&h->lock);
	body_notify(&f->body);
	store_trim(s);
}

void
store_keep(struct store *s, struct flight *f)
{
	land(s, f, NULL, object_of_flight(f));
}

void
store_renew(
	struct store *s, struct flight *f, struct object *o, struct object *by)
{
	land(s, f, o, by);
}

void
store_put_beside(struct store *s, const struct flight *f, struct str key,
	const struct response *r, struct str body, uint32_t serial)
{
	uint64_t hash = hash_of(key);
	struct shard *of = shard_of(s, f->hash), *h = shard_of(s, hash);
	struct object *o = object_new(&s->budget, key, hash, r, body);

	o->serial = serial;
	lock_both(of, h);
	if (f->purged)
		object_unref(o);
	else
		shard_put_locked(h, o);
	unlock_both(of, h);
}
