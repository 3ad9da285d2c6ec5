/*
 * The whole of a store: its shards by the hash of a key, its budget, its hand.
 * What is on its way is in store_flight.c, purging in store_purge.c.
 */
#include "cache/store_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/epoch.h"
#include "base/mem.h"
#include "cache/pages.h"

struct store *
store_new(uint64_t limit_bytes)
{
	struct store *s = NEW(struct store);

	s->budget.limit_bytes = limit_bytes;
	s->pages = pages_new(&s->budget);
	if (!s->pages) {
		free(s);
		return NULL;
	}
	s->budget.pages = s->pages;
	sieve_init(&s->sieve);
	for (int i = 0; i < SHARDS; i++)
		shard_init(&s->shards[i], &s->sieve);
	return s;
}

void
store_free(struct store *s)
{
	struct object *o;

	if (!s)
		return;
	while ((o = sieve_any(&s->sieve)))
		store_remove(s, o);
	for (int i = 0; i < SHARDS; i++)
		shard_fini(&s->shards[i]);
	epoch_drain();
	CHECK(store_bytes(s) == 0);
	pages_free(s->pages);
	sieve_fini(&s->sieve);
	free(s);
}

/* --- finding -------------------------------------------------------------- */

struct object *
store_find(struct store *s, const struct wanted *w, bool *others)
{
	uint64_t hash = hash_of_wanted(w);
	struct object *o, *other;

	epoch_enter();
	o = shard_find(shard_of(s, hash), w, hash, &other);
	if (o)
		object_ref(o); /* the store has one until we leave */
	epoch_leave();
	*others = other;
	/* Looked at before it is written, which other cores would pay for. */
	if (o && !atomic_load_explicit(&o->visited, memory_order_relaxed))
		atomic_store_explicit(&o->visited, true, memory_order_relaxed);
	return o;
}

/* --- changing ------------------------------------------------------------- */

static void
replace_locked(struct shard *h, struct object *o, struct object *by)
{
	if (!o->stored)
		return;
	shard_remove_locked(h, o);
	if (by)
		shard_insert_locked(h, object_ref(by));
}

void
store_replace(struct store *s, struct object *o, struct object *by)
{
	struct shard *h = shard_of(s, o->hash);

	pthread_mutex_lock(&h->lock);
	replace_locked(h, o, by);
	pthread_mutex_unlock(&h->lock);
	object_unref(by);
}

void
store_remove(struct store *s, struct object *o)
{
	store_replace(s, o, NULL);
}

void
store_mark(struct store *s, struct str key, int64_t now_s, uint32_t lifetime_s)
{
	uint64_t hash = hash_of(key);
	struct shard *h = shard_of(s, hash);
	struct object *o =
		object_mark(&s->budget, key, hash, now_s, lifetime_s);

	pthread_mutex_lock(&h->lock);
	shard_put_locked(h, o);
	pthread_mutex_unlock(&h->lock);
}

/* Whatever has been said of it, until this very moment, holds. */
static void
move_away(struct store *s, struct object *o)
{
	struct object *by = object_moved(o);
	struct shard *h = shard_of(s, o->hash);

	pthread_mutex_lock(&h->lock);
	atomic_store(&by->outdated, atomic_load(&o->outdated));
	replace_locked(h, o, by);
	pthread_mutex_unlock(&h->lock);
	object_unref(by);
}

void
store_trim(struct store *s)
{
	enum sieve_result r = SIEVE_PASSED;

	while (r != SIEVE_EMPTY && budget_exceeded(&s->budget)) {
		struct object *o = NULL;

		r = sieve_next(&s->sieve, &o);
		if (r == SIEVE_EVICT)
			store_remove(s, o);
		else if (r == SIEVE_MOVE)
			move_away(s, o);
		object_unref(o);
	}
}

bool
store_is_full(const struct store *s)
{
	return budget_exceeded(&s->budget);
}

/* --- what there is -------------------------------------------------------- */

size_t
store_count(struct store *s)
{
	size_t n = 0;

	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&s->shards[i].lock);
		n += s->shards[i].count - s->shards[i].marks;
		pthread_mutex_unlock(&s->shards[i].lock);
	}
	return n;
}

uint64_t
store_bytes(const struct store *s)
{
	return atomic_load_explicit(
		&s->budget.used_bytes, memory_order_relaxed);
}

struct pages *
store_pages(const struct store *s)
{
	return s->pages;
}
