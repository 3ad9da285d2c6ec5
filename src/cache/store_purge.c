/*
 * Purging: what is stored and concerned goes, shard by shard; flights that are
 * concerned, or may be, are marked and bring nothing into the store any more.
 */
#include "cache/store_internal.h"

#include "base/buf.h"
#include "http/tags.h"

static bool
concerns(const struct purge *p, struct str key, struct str fields)
{
	switch (p->kind) {
	case PURGE_KEY: return str_eq(key, p->what);
	case PURGE_PREFIX: return str_starts(key, p->what);
	case PURGE_TAG: return tags_have(fields, p->what);
	}
	return false;
}

/* Has one key the other one's parts, or what they have in common? */
static bool
is_part_of(struct str part, struct str key)
{
	return str_starts(part, key) &&
		str_starts(str_of(part.p + key.n, part.n - key.n),
			STR(STORE_PARTS));
}

/* Whether a tag concerns it is not known before its head. */
static bool
may_concern(const struct purge *p, const struct flight *f)
{
	if (p->kind == PURGE_KEY && is_part_of(flight_key(f), p->what))
		return true;
	if (p->kind != PURGE_TAG)
		return concerns(p, flight_key(f), STR(""));
	return flight_phase(f) == FLIGHT_WAITING ||
		tags_have(f->response.fields, p->what);
}

static size_t
purge_chain_locked(struct shard *h, size_t slot, const struct purge *p)
{
	struct object *o = atomic_load(&atomic_load(&h->table)->slots[slot]);
	size_t n = 0;

	for (struct object *next; o; o = next) {
		next = atomic_load(&o->chain);
		if (!concerns(p, object_key(o), object_fields(o)))
			continue;
		n += !object_is_mark(o);
		if (p->soft)
			atomic_store(&o->outdated, true);
		else
			shard_remove_locked(h, o);
	}
	return n;
}

static void
purge_flights_locked(struct shard *h, const struct purge *p)
{
	list_foreach (it, &h->flights) {
		struct flight *f = container_of(it, struct flight, link);

		f->purged = f->purged || may_concern(p, f);
	}
}

static size_t
purge_one(struct store *s, struct str key, const struct purge *p)
{
	uint64_t hash = hash_of(key);
	struct shard *h = shard_of(s, hash);
	struct purge one = *p;
	size_t n;

	one.what = key;
	pthread_mutex_lock(&h->lock);
	n = purge_chain_locked(
		h, hash & (atomic_load(&h->table)->nslots - 1), &one);
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* Parts that are stored go with the entry that says what they are parts of;
 * those on their way may be in any shard. */
static size_t
purge_key(struct store *s, const struct purge *p)
{
	struct buf common = {0};
	size_t n;

	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&s->shards[i].lock);
		purge_flights_locked(&s->shards[i], p);
		pthread_mutex_unlock(&s->shards[i].lock);
	}
	buf_str(&common, p->what);
	buf_str(&common, STR(STORE_PARTS));
	n = purge_one(s, p->what, p) + purge_one(s, buf_view(&common), p);
	buf_fini(&common);
	return n;
}

/* At most max slots from w->slot on; how many. Those that a table which grows
 * meanwhile moves go to slots that are yet to come, if theirs was. Flights come
 * first: what they bring from then on is newer. */
static size_t
purge_slots(struct store *s, struct purge_walk *w, size_t max)
{
	struct shard *h = &s->shards[w->shard];
	size_t n = 0, nslots;

	pthread_mutex_lock(&h->lock);
	nslots = atomic_load(&h->table)->nslots;
	if (w->slot == 0)
		purge_flights_locked(h, &w->purge);
	for (; n < max && w->slot < nslots; n++)
		w->objects += purge_chain_locked(h, w->slot++, &w->purge);
	if (w->slot == nslots) {
		w->shard++;
		w->slot = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

bool
store_purge_some(struct store *s, struct purge_walk *w, size_t max)
{
	if (w->purge.kind == PURGE_KEY) {
		w->objects = purge_key(s, &w->purge);
		return false;
	}
	for (size_t n = 0; n < max && w->shard < SHARDS;)
		n += purge_slots(s, w, max - n);
	return w->shard < SHARDS;
}

size_t
store_purge(struct store *s, const struct purge *p)
{
	struct purge_walk w = {.purge = *p};

	while (store_purge_some(s, &w, SIZE_MAX))
		;
	return w.objects;
}
