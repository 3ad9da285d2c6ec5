#include "cache/shard.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/epoch.h"
#include "base/mem.h"
#include "cache/sieve.h"
#include "cache/store.h"
#include "http/vary.h"

enum {
	SLOTS_MIN = 64,
	VARIANTS_MAX = 32, /* of a key: clients choose what they accept */
};

static struct table *
table_new(size_t nslots)
{
	struct table *t = xcalloc(
		1, sizeof(*t) + nslots * sizeof(struct object * _Atomic));

	t->nslots = nslots;
	return t;
}

void
shard_init(struct shard *h, struct sieve *sieve)
{
	pthread_mutex_init(&h->lock, NULL);
	list_init(&h->flights);
	h->sieve = sieve;
	atomic_init(&h->table, table_new(SLOTS_MIN));
}

void
shard_fini(struct shard *h)
{
	CHECK(list_empty(&h->flights) && h->count == 0);
	free(atomic_load(&h->table));
	pthread_mutex_destroy(&h->lock);
}

static struct object *_Atomic *
slot_of(struct table *t, uint64_t hash)
{
	return &t->slots[hash & (t->nslots - 1)];
}

static bool
has_key(const struct object *o, struct str key, uint64_t hash)
{
	return o->hash == hash && str_eq(object_key(o), key);
}

struct object *
shard_find(struct shard *h, const struct wanted *w, uint64_t hash,
	struct object **other)
{
	struct object *o = atomic_load(slot_of(atomic_load(&h->table), hash));
	struct object *mark = NULL;

	*other = NULL;
	for (; o; o = atomic_load(&o->chain)) {
		if (!has_key(o, w->key, hash))
			continue;
		if (object_is_mark(o))
			mark = o;
		else if (!vary_matches(object_selector(o), w->request))
			*other = o;
		else if (o->fresh.shared || !w->authorized)
			return o;
	}
	return mark;
}

/* --- changing ------------------------------------------------------------- */

static void
let_go(void *p)
{
	struct object *o = p;

	atomic_fetch_sub_explicit(&o->budget->doomed_bytes, object_bytes(o),
		memory_order_relaxed);
	object_unref(o);
}

static void
link_locked(struct table *t, struct object *o)
{
	struct object *_Atomic *slot = slot_of(t, o->hash);

	atomic_store(&o->chain, atomic_load(slot));
	atomic_store(slot, o);
}

static void
grow_locked(struct shard *h)
{
	struct table *old = atomic_load(&h->table);
	struct table *t = table_new(2 * old->nslots);

	for (size_t i = 0; i < old->nslots; i++)
		for (struct object *o = atomic_load(&old->slots[i]), *next; o;
			o = next) {
			next = atomic_load(&o->chain);
			link_locked(t, o);
		}
	atomic_store(&h->table, t);
	epoch_retire(old, free);
}

void
shard_insert_locked(struct shard *h, struct object *o)
{
	if (++h->count > atomic_load(&h->table)->nslots)
		grow_locked(h);
	h->marks += object_is_mark(o);
	o->stored = true;
	sieve_add(h->sieve, o);
	link_locked(atomic_load(&h->table), o);
}

void
shard_remove_locked(struct shard *h, struct object *o)
{
	struct object *_Atomic *at = slot_of(atomic_load(&h->table), o->hash);

	while (atomic_load(at) != o)
		at = &atomic_load(at)->chain;
	atomic_store(at, atomic_load(&o->chain));
	h->count--;
	h->marks -= object_is_mark(o);
	o->stored = false;
	sieve_drop(h->sieve, o);
	atomic_fetch_add_explicit(&o->budget->doomed_bytes, object_bytes(o),
		memory_order_relaxed);
	epoch_retire(o, let_go);
}

static void
make_way_locked(struct shard *h, const struct object *o)
{
	struct object *at =
		atomic_load(slot_of(atomic_load(&h->table), o->hash));
	unsigned variants = 0;

	for (struct object *next; at; at = next) {
		next = atomic_load(&at->chain);
		if (!has_key(at, object_key(o), o->hash))
			continue;
		if (object_is_mark(at) ||
			str_eq(object_selector(at), object_selector(o)) ||
			++variants == VARIANTS_MAX)
			shard_remove_locked(h, at);
	}
}

void
shard_put_locked(struct shard *h, struct object *o)
{
	make_way_locked(h, o);
	shard_insert_locked(h, o);
}
