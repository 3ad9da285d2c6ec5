/*
 * Shards, each with a hash table of objects that is read without its lock: a
 * reader who meets a change midway may miss what is there, and then finds it
 * with the lock held, in store_board(). What is taken out is freed when all
 * who may be looking at it have gone (base/epoch.h).
 */
#include "cache/store.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/epoch.h"
#include "base/mem.h"
#include "cache/pages.h"
#include "cache/sieve.h"
#include "http/tags.h"
#include "http/vary.h"

enum {
	SHARDS = 64,
	SLOTS_MIN = 64,
	VARIANTS_MAX = 32, /* of a key: clients choose what they accept */
};

struct table {
	size_t nslots; /* a power of two */
	struct object *_Atomic slots[];
};

struct shard {
	pthread_mutex_t lock; /* guards all below but the table's being read,
				 and its objects' stored. Taken by those who
				 miss, never by a hit */
	struct table *_Atomic table; /* owned */
	size_t count, marks;
	struct list flights; /* that may be boarded: few */
};

struct store {
	struct budget budget;
	struct pages *pages;	  /* owned */
	_Atomic uint32_t serials; /* given to flights so far */
	struct sieve sieve;
	struct shard shards[SHARDS];
};

static struct table *
table_new(size_t nslots)
{
	struct table *t = xcalloc(
		1, sizeof(*t) + nslots * sizeof(struct object * _Atomic));

	t->nslots = nslots;
	return t;
}

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
	for (int i = 0; i < SHARDS; i++) {
		struct shard *h = &s->shards[i];

		pthread_mutex_init(&h->lock, NULL);
		list_init(&h->flights);
		atomic_init(&h->table, table_new(SLOTS_MIN));
	}
	return s;
}

static uint64_t
hash_of(struct str key)
{
	return XXH3_64bits(key.p, key.n);
}

static struct shard *
shard_of(struct store *s, uint64_t hash)
{
	return &s->shards[hash >> 58];
}

static struct object *_Atomic *
slot_of(struct table *t, uint64_t hash)
{
	return &t->slots[hash & (t->nslots - 1)];
}

/* --- finding -------------------------------------------------------------- */

static bool
has_key(const struct object *o, struct str key, uint64_t hash)
{
	return o->hash == hash && str_eq(object_key(o), key);
}

/* The newest that is selected, or else the mark. *other: some other variant, or
 * NULL. */
static struct object *
find(struct shard *h, const struct wanted *w, uint64_t hash,
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

struct object *
store_find_hash(struct store *s, uint64_t hash)
{
	struct shard *h = shard_of(s, hash);
	struct object *o;

	epoch_enter();
	o = atomic_load(slot_of(atomic_load(&h->table), hash));
	while (o && (o->hash != hash || object_is_mark(o)))
		o = atomic_load(&o->chain);
	if (o)
		object_ref(o); /* the store has one until we leave */
	epoch_leave();
	return o;
}

struct object *
store_find(struct store *s, const struct wanted *w, bool *others)
{
	uint64_t hash = hash_of(w->key);
	struct object *o, *other;

	epoch_enter();
	o = find(shard_of(s, hash), w, hash, &other);
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

/* o's reference is taken over. */
static void
insert_locked(struct store *s, struct shard *h, struct object *o)
{
	if (++h->count > atomic_load(&h->table)->nslots)
		grow_locked(h);
	h->marks += object_is_mark(o);
	o->stored = true;
	sieve_add(&s->sieve, o);
	link_locked(atomic_load(&h->table), o);
}

/* Its chain stays for those who stand on it. */
static void
remove_locked(struct store *s, struct shard *h, struct object *o)
{
	struct object *_Atomic *at = slot_of(atomic_load(&h->table), o->hash);

	while (atomic_load(at) != o)
		at = &atomic_load(at)->chain;
	atomic_store(at, atomic_load(&o->chain));
	h->count--;
	h->marks -= object_is_mark(o);
	o->stored = false;
	sieve_drop(&s->sieve, o);
	atomic_fetch_add_explicit(&o->budget->doomed_bytes, object_bytes(o),
		memory_order_relaxed);
	epoch_retire(o, let_go);
}

/* Those whose place o takes: of the same selection, marks, and the oldest of
 * too many variants. */
static void
make_way_locked(struct store *s, struct shard *h, const struct object *o)
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
			remove_locked(s, h, at);
	}
}

static void
put_locked(struct store *s, struct shard *h, struct object *o)
{
	make_way_locked(s, h, o);
	insert_locked(s, h, o);
}

void
store_replace(struct store *s, struct object *o, struct object *by)
{
	struct shard *h = shard_of(s, o->hash);

	pthread_mutex_lock(&h->lock);
	if (o->stored) {
		remove_locked(s, h, o);
		if (by)
			insert_locked(s, h, by);
		by = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	object_unref(by);
}

void
store_remove(struct store *s, struct object *o)
{
	store_replace(s, o, NULL);
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

static void
put(struct store *s, struct object *o)
{
	struct shard *h = shard_of(s, o->hash);

	pthread_mutex_lock(&h->lock);
	put_locked(s, h, o);
	pthread_mutex_unlock(&h->lock);
}

void
store_mark(struct store *s, struct str key, int64_t now_s, uint32_t lifetime_s)
{
	put(s, object_mark(&s->budget, key, hash_of(key), now_s, lifetime_s));
}

/* --- flights ------------------------------------------------------------- */

/* What it selects is not known before its head: whoever boards until then may
 * find that it is not for him. */
static struct flight *
find_flight(struct shard *h, const struct wanted *w, uint64_t hash)
{
	list_foreach (it, &h->flights) {
		struct flight *f = container_of(it, struct flight, link);

		if (f->hash == hash && !f->alone && !f->purged &&
			f->authorized == w->authorized &&
			str_eq(flight_key(f), w->key) &&
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
	uint64_t hash = hash_of(w->key);
	struct shard *h = shard_of(s, hash);
	enum store_result r = STORE_JOIN;
	struct object *other;
	struct flight *f;

	pthread_mutex_lock(&h->lock);
	f = find_flight(h, w, hash);
	if (f) {
		*out = flight_ref(f);
	} else if (find(h, w, hash, &other) != seen) {
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
store_begin_alone(struct store *s, const struct wanted *w)
{
	uint64_t hash = hash_of(w->key);
	struct shard *h = shard_of(s, hash);
	struct flight *f;

	pthread_mutex_lock(&h->lock);
	f = flight_ref(begin_locked(s, h, w, hash));
	f->alone = true;
	pthread_mutex_unlock(&h->lock);
	return f;
}

void
store_select(struct store *s, struct flight *f, struct str selector)
{
	struct shard *h = shard_of(s, f->hash);

	pthread_mutex_lock(&h->lock);
	select_locked(f, selector);
	pthread_mutex_unlock(&h->lock);
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

static void
depart_locked(struct flight *f)
{
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
}

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
			remove_locked(s, h, old);
		put_locked(s, h, o);
	}
	depart_locked(f);
	pthread_mutex_unlock(&h->lock);
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
		put_locked(s, h, o);
	unlock_both(of, h);
}

/* --- purging -------------------------------------------------------------- */

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
purge_chain_locked(
	struct store *s, struct shard *h, size_t slot, const struct purge *p)
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
			remove_locked(s, h, o);
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
		s, h, hash & (atomic_load(&h->table)->nslots - 1), &one);
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
		w->objects += purge_chain_locked(s, h, w->slot++, &w->purge);
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

size_t
store_purge(struct store *s, const struct purge *p)
{
	struct purge_walk w = {.purge = *p};

	while (store_purge_some(s, &w, SIZE_MAX))
		;
	return w.objects;
}

/* --- evicting ------------------------------------------------------------ */

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
			store_replace(s, o, object_moved(o));
		object_unref(o);
	}
}

/* --- the whole ------------------------------------------------------------ */

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

static void
shard_fini(struct shard *h)
{
	CHECK(list_empty(&h->flights) && h->count == 0);
	free(atomic_load(&h->table));
	pthread_mutex_destroy(&h->lock);
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
