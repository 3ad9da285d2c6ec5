#include "cache/store.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/mem.h"

enum { SHARDS = 64, BUCKETS_MIN = 64 };

struct shard {
	pthread_mutex_t lock;	 /* guards all below, and in its objects chain,
				    sieve and stored: a lookup and an insertion
				    must be one step, or a key is fetched twice */
	struct object **buckets; /* owned; a power of two of them */
	size_t nbuckets, count;
	struct list sieve; /* newest first */
	struct list *hand; /* NULL: start at the oldest */
};

struct store {
	struct budget budget;
	_Atomic unsigned next_victim; /* shards take turns */
	struct shard shards[SHARDS];
};

struct store *
store_new(uint64_t limit_bytes)
{
	struct store *s = NEW(struct store);

	s->budget.limit_bytes = limit_bytes;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *h = &s->shards[i];

		pthread_mutex_init(&h->lock, NULL);
		list_init(&h->sieve);
		h->nbuckets = BUCKETS_MIN;
		h->buckets = xcalloc(h->nbuckets, sizeof(*h->buckets));
	}
	return s;
}

static struct shard *
shard_of(struct store *s, uint64_t hash)
{
	return &s->shards[hash >> 58];
}

static struct object **
slot_of(struct shard *h, const struct object *o)
{
	struct object **at = &h->buckets[o->hash & (h->nbuckets - 1)];

	while (*at && *at != o)
		at = &(*at)->chain;
	return at;
}

static struct object *
find(struct shard *h, struct str key, uint64_t hash)
{
	struct object *o = h->buckets[hash & (h->nbuckets - 1)];

	while (o &&
		(o->hash != hash || !str_eq(str_of(o->key, o->key_bytes), key)))
		o = o->chain;
	return o;
}

static void
grow(struct shard *h)
{
	struct object **old = h->buckets;
	size_t n = h->nbuckets;

	h->nbuckets *= 2;
	h->buckets = xcalloc(h->nbuckets, sizeof(*h->buckets));
	for (size_t i = 0; i < n; i++)
		for (struct object *o = old[i], *next; o; o = next) {
			struct object **at =
				&h->buckets[o->hash & (h->nbuckets - 1)];

			next = o->chain;
			o->chain = *at;
			*at = o;
		}
	free(old);
}

/* Out of the shard; the store's reference is now the caller's. */
static void
unlink_locked(struct shard *h, struct object *o)
{
	struct object **at = slot_of(h, o);

	CHECK(*at == o && o->stored);
	*at = o->chain;
	o->chain = NULL;
	o->stored = false;
	h->count--;
	if (h->hand == &o->sieve)
		h->hand = o->sieve.prev;
	list_remove(&o->sieve);
}

static struct object *
insert_locked(struct store *s, struct shard *h, struct str key, uint64_t hash)
{
	struct object *o = object_new(&s->budget);
	struct object **at;

	atomic_store(&o->body.transient, false);
	o->key = xmalloc(key.n);
	memcpy(o->key, key.p, key.n);
	o->key_bytes = key.n;
	atomic_fetch_add_explicit(
		&s->budget.used_bytes, key.n, memory_order_relaxed);
	o->hash = hash;
	if (++h->count > h->nbuckets)
		grow(h);
	at = &h->buckets[hash & (h->nbuckets - 1)];
	o->chain = *at;
	*at = o;
	o->stored = true;
	list_push_front(&h->sieve, &o->sieve);
	return o;
}

static enum store_result
get_locked(struct store *s, struct shard *h, struct str key, uint64_t hash,
	int64_t now_s, struct object **out, struct object **old)
{
	struct object *o = find(h, key, hash);

	if (o && object_phase(o) == OBJECT_WAITING) {
		*out = object_ref(o);
		return STORE_JOIN;
	}
	if (o && object_phase(o) == OBJECT_READY && object_fresh(o, now_s) &&
		body_state(&o->body) != BODY_FAILED) {
		atomic_store_explicit(&o->visited, true, memory_order_relaxed);
		*out = object_ref(o);
		return STORE_HIT;
	}
	if (o) {
		unlink_locked(h, o);
		*old = o;
	}
	*out = object_ref(insert_locked(s, h, key, hash));
	return STORE_MISS;
}

enum store_result
store_get(struct store *s, struct str key, int64_t now_s, struct object **out)
{
	uint64_t hash = XXH3_64bits(key.p, key.n);
	struct shard *h = shard_of(s, hash);
	struct object *old = NULL;
	enum store_result r;

	pthread_mutex_lock(&h->lock);
	r = get_locked(s, h, key, hash, now_s, out, &old);
	pthread_mutex_unlock(&h->lock);
	object_unref(old);
	return r;
}

void
store_remove(struct store *s, struct object *o)
{
	struct shard *h = shard_of(s, o->hash);
	bool stored;

	pthread_mutex_lock(&h->lock);
	stored = o->stored;
	if (stored)
		unlink_locked(h, o);
	pthread_mutex_unlock(&h->lock);
	if (stored)
		object_unref(o);
}

/* The next that was not visited; each is passed at most twice. Objects that
 * are still being written stay. */
static struct object *
victim_locked(struct shard *h)
{
	struct list *at = h->hand ? h->hand : h->sieve.prev;

	for (size_t i = 0; i <= 2 * h->count; i++, at = at->prev) {
		struct object *o;

		if (at == &h->sieve)
			continue;
		o = container_of(at, struct object, sieve);
		if (atomic_exchange_explicit(
			    &o->visited, false, memory_order_relaxed) ||
			body_state(&o->body) == BODY_OPEN)
			continue;
		h->hand = at->prev;
		return o;
	}
	return NULL;
}

static bool
evict_one(struct store *s)
{
	for (int i = 0; i < SHARDS; i++) {
		struct shard *h =
			&s->shards[atomic_fetch_add(&s->next_victim, 1) %
				SHARDS];
		struct object *o;

		pthread_mutex_lock(&h->lock);
		o = h->count ? victim_locked(h) : NULL;
		if (o)
			unlink_locked(h, o);
		pthread_mutex_unlock(&h->lock);
		if (!o)
			continue;
		object_unref(o);
		return true;
	}
	return false;
}

void
store_trim(struct store *s)
{
	while (store_bytes(s) > s->budget.limit_bytes && evict_one(s))
		;
}

size_t
store_count(struct store *s)
{
	size_t n = 0;

	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&s->shards[i].lock);
		n += s->shards[i].count;
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

void
store_free(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *h = &s->shards[i];

		while (!list_empty(&h->sieve)) {
			struct object *o = container_of(
				h->sieve.next, struct object, sieve);

			unlink_locked(h, o);
			object_unref(o);
		}
		free(h->buckets);
		pthread_mutex_destroy(&h->lock);
	}
	CHECK(store_bytes(s) == 0);
	free(s);
}
