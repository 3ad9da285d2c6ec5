/* Looking at what is stored without asking for it: see store.h. */
#include "cache/store_internal.h"

#include "base/epoch.h"

struct object *
store_find_hash(struct store *s, uint64_t hash)
{
	struct shard *h = shard_of(s, hash);
	struct table *t;
	struct object *o;

	epoch_enter();
	t = atomic_load(&h->table);
	o = atomic_load(&t->slots[hash & (t->nslots - 1)]);
	while (o && (o->hash != hash || object_is_mark(o)))
		o = atomic_load(&o->chain);
	if (o)
		object_ref(o); /* the store has one until we leave */
	epoch_leave();
	return o;
}

static bool
is_part(const struct object *o)
{
	struct str key = object_key(o);

	return memchr(key.p, STORE_PARTS[0], key.n);
}

static size_t
walk_slots(struct shard *h, struct store_walk *w, size_t max,
	void (*fn)(void *ctx, const struct object *o), void *ctx)
{
	const struct table *t;
	size_t n = 0;

	pthread_mutex_lock(&h->lock);
	t = atomic_load(&h->table);
	for (; n < max && w->slot < t->nslots; w->slot++, n++) {
		struct object *o = atomic_load(&t->slots[w->slot]);

		for (; o; o = atomic_load(&o->chain))
			if (!object_is_mark(o) && !is_part(o))
				fn(ctx, o);
	}
	if (w->slot >= t->nslots) {
		w->shard++;
		w->slot = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

bool
store_walk_some(struct store *s, struct store_walk *w, size_t max,
	void (*fn)(void *ctx, const struct object *o), void *ctx)
{
	for (size_t n = 0; n < max && w->shard < SHARDS;)
		n += walk_slots(&s->shards[w->shard], w, max - n, fn, ctx);
	return w->shard < SHARDS;
}
