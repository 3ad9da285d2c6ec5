#include "cache/object.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "cache/pages.h"

struct parts {
	struct str key, selector, fields, flat;
	struct chunk *body; /* counted; NULL: flat */
	enum pages_kind kind;
};

static char *
put(char *at, struct str s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

static size_t
size_for(size_t key, size_t selector, size_t fields, size_t flat)
{
	return sizeof(struct object) + key + selector + fields + flat;
}

static size_t
size_of(const struct object *o)
{
	return size_for(o->key_bytes, o->selector_bytes, o->fields_bytes,
		o->flat ? o->length : 0);
}

static struct object *
allocate(struct budget *budget, size_t n, enum pages_kind kind)
{
	char *at = budget->pages && n <= PAGES_ALLOC_MAX
		? pages_get(budget->pages, n, kind)
		: NULL;

	if (at)
		return (struct object *)(void *)at;
	budget_add(budget, n);
	return xmalloc(n);
}

static bool
is_in_pages(const struct object *o)
{
	return o->budget->pages && pages_has(o->budget->pages, o);
}

static void
release(struct object *o)
{
	struct budget *budget = o->budget;
	size_t n = size_of(o);

	if (is_in_pages(o)) {
		pages_put(budget->pages, (char *)o, n);
		return;
	}
	free(o);
	budget_sub(budget, n);
}

static struct object *
make(struct budget *budget, uint64_t hash, const struct parts *p)
{
	struct object *o = allocate(budget,
		size_for(p->key.n, p->selector.n, p->fields.n, p->flat.n),
		p->kind);
	char *at = o->data;

	CHECK(p->key.n <= OBJECT_TEXT && p->selector.n <= OBJECT_TEXT &&
		p->fields.n <= OBJECT_TEXT);
	*o = (struct object){.hash = hash,
		.flat = !p->body,
		.key_bytes = (uint16_t)p->key.n,
		.selector_bytes = (uint16_t)p->selector.n,
		.fields_bytes = (uint16_t)p->fields.n,
		.length = p->flat.n,
		.body = p->body,
		.budget = budget};
	atomic_init(&o->refs, 1);
	list_init(&o->sieve);
	at = put(at, p->key);
	at = put(at, p->selector);
	at = put(at, p->fields);
	(void)put(at, p->flat);
	return o;
}

static void
describe(struct object *o, const struct response *r, uint64_t length)
{
	o->status = (uint16_t)r->status;
	o->born_s = r->born_s > 0 ? (uint32_t)r->born_s : 0;
	o->fresh = r->fresh;
	o->length = length;
}

/* All of a small body, in one piece. */
static struct str
flatten(struct body *b, char room[OBJECT_FLAT])
{
	size_t n = 0;

	for (struct chunk *c = atomic_load(&b->first); c;
		c = atomic_load(&c->next)) {
		memcpy(room + n, c->data, c->len);
		n += c->len;
	}
	return str_of(room, n);
}

/* A body whose length was not known may hold more than it fills. */
static struct chunk *
settle(struct body *b, uint64_t length)
{
	struct chunk *first = body_first(b), *copy;

	if (chunk_held_bytes(first) <= length + length / 8)
		return first;
	copy = chunk_copy(b->budget, first, length, PAGES_NEW);
	chunk_unref(b->budget, first);
	return copy;
}

struct object *
object_of_flight(struct flight *f)
{
	struct parts p = {.key = flight_key(f),
		.selector = f->selector,
		.fields = f->response.fields};
	uint64_t length = body_filled(&f->body);
	char room[OBJECT_FLAT];
	struct object *o;

	CHECK(body_state(&f->body) == BODY_DONE);
	if (length <= OBJECT_FLAT)
		p.flat = flatten(&f->body, room);
	else
		p.body = settle(&f->body, length);
	o = make(f->body.budget, f->hash, &p);
	o->serial = f->serial;
	describe(o, &f->response, length);
	return o;
}

struct str
object_flat(const struct object *o)
{
	struct str fields = object_fields(o);

	return str_of(fields.p + fields.n, o->flat ? o->length : 0);
}

struct object *
object_renewed(
	const struct object *old, struct str selector, const struct response *r)
{
	struct parts p = {.key = object_key(old),
		.selector = selector,
		.fields = r->fields,
		.flat = object_flat(old),
		.body = old->body ? chunk_ref(old->body) : NULL};
	struct object *o = make(old->budget, old->hash, &p);

	o->serial = old->serial;
	describe(o, r, old->length);
	return o;
}

enum { MOVED_MAX = 1024 * 1024 }; /* a larger one has blocks of its own */

bool
object_is_in_the_way(const struct object *o)
{
	struct pages *pages = o->budget->pages;

	if (o->length > MOVED_MAX)
		return false;
	return (is_in_pages(o) && pages_wanted_back(pages, o)) ||
		(o->body && o->body->in_pages &&
			pages_wanted_back(pages, o->body->data));
}

struct object *
object_moved(const struct object *old)
{
	struct parts p = {.key = object_key(old),
		.selector = object_selector(old),
		.fields = object_fields(old),
		.flat = object_flat(old),
		.kind = PAGES_MOVED};
	struct response r;
	struct object *o;

	if (old->body)
		p.body = chunk_copy(
			old->budget, old->body, old->length, PAGES_MOVED);
	o = make(old->budget, old->hash, &p);
	object_response(old, &r);
	o->serial = old->serial;
	describe(o, &r, old->length);
	return o;
}

struct object *
object_new(struct budget *budget, struct str key, uint64_t hash,
	const struct response *r, struct str body)
{
	struct parts p = {.key = key, .fields = r->fields, .flat = body};
	struct object *o = make(budget, hash, &p);

	describe(o, r, body.n);
	return o;
}

struct object *
object_mark(struct budget *budget, struct str key, uint64_t hash, int64_t now_s,
	uint32_t lifetime_s)
{
	struct response r = {.born_s = now_s, .fresh.lifetime_s = lifetime_s};

	return object_new(budget, key, hash, &r, STR(""));
}

int64_t
object_age_s(const struct object *o, int64_t now_s)
{
	int64_t age_s = now_s - o->born_s;

	if (age_s < o->fresh.lifetime_s &&
		atomic_load_explicit(&o->outdated, memory_order_relaxed))
		return o->fresh.lifetime_s;
	return age_s;
}

size_t
object_bytes(const struct object *o)
{
	return size_of(o) + (o->flat ? 0 : o->length);
}

struct object *
object_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void
object_unref(struct object *o)
{
	if (!o ||
		atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) !=
			1)
		return;
	chunk_unref(o->budget, o->body);
	release(o);
}

void
object_response(const struct object *o, struct response *out)
{
	*out = (struct response){
		.status = o->status,
		.fields = object_fields(o),
		.length = (int64_t)o->length,
		.born_s = o->born_s,
		.fresh = o->fresh,
	};
}

void
object_read(const struct object *o, struct reader *r)
{
	if (o->flat)
		reader_attach_flat(r, object_flat(o));
	else
		reader_attach_chunks(r, o->body);
}
