#include "cache/object.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "cache/pages.h"

enum { MALLOC_HEADER = 8 }; /* what glibc adds to malloc_usable_size() */

struct parts {
	struct str key, selector, fields, flat;
	struct chunk *body; /* counted; NULL: flat */
};

static char *
put(char *at, struct str s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

static size_t
own_bytes(struct object *o)
{
	return malloc_usable_size(o) + MALLOC_HEADER;
}

static struct object *
make(struct budget *budget, uint64_t hash, const struct parts *p)
{
	struct object *o = xmalloc(sizeof(*o) + p->key.n + p->selector.n +
		p->fields.n + p->flat.n);
	char *at = o->data;

	*o = (struct object){.hash = hash,
		.flat = !p->body,
		.key_bytes = (uint32_t)p->key.n,
		.selector_bytes = (uint32_t)p->selector.n,
		.fields_bytes = (uint32_t)p->fields.n,
		.body = p->body,
		.budget = budget};
	atomic_init(&o->refs, 1);
	list_init(&o->sieve);
	at = put(at, p->key);
	at = put(at, p->selector);
	at = put(at, p->fields);
	(void)put(at, p->flat);
	budget_add(budget, own_bytes(o));
	return o;
}

static void
describe(struct object *o, const struct response *r, uint64_t length)
{
	o->status = (uint16_t)r->status;
	o->born_s = r->born_s;
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
	describe(o, &f->response, length);
	return o;
}

static struct str
flat_of(const struct object *o)
{
	struct str fields = object_fields(o);

	return str_of(fields.p + fields.n, o->flat ? o->length : 0);
}

struct object *
object_renewed(const struct object *old, const struct response *r)
{
	struct parts p = {.key = object_key(old),
		.selector = object_selector(old),
		.fields = r->fields,
		.flat = flat_of(old),
		.body = old->body ? chunk_ref(old->body) : NULL};
	struct object *o = make(old->budget, old->hash, &p);

	describe(o, r, old->length);
	return o;
}

enum { MOVED_MAX = 1024 * 1024 }; /* a larger one has blocks of its own */

bool
object_is_in_the_way(const struct object *o)
{
	return o->body && o->length <= MOVED_MAX && o->body->in_pages &&
		pages_wanted_back(o->budget->pages, o->body->data);
}

struct object *
object_moved(const struct object *old)
{
	struct parts p = {.key = object_key(old),
		.selector = object_selector(old),
		.fields = object_fields(old),
		.body = chunk_copy(
			old->budget, old->body, old->length, PAGES_MOVED)};
	struct object *o = make(old->budget, old->hash, &p);
	struct response r;

	object_response(old, &r);
	describe(o, &r, old->length);
	return o;
}

struct object *
object_mark(struct budget *budget, struct str key, uint64_t hash, int64_t now_s,
	uint32_t lifetime_s)
{
	struct parts p = {.key = key};
	struct response r = {.born_s = now_s, .fresh.lifetime_s = lifetime_s};
	struct object *o = make(budget, hash, &p);

	describe(o, &r, 0);
	return o;
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
object_bytes(struct object *o)
{
	return own_bytes(o) + (o->flat ? 0 : o->length);
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
	budget_sub(o->budget, own_bytes(o));
	chunk_unref(o->budget, o->body);
	free(o);
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
		reader_attach_flat(r, flat_of(o));
	else
		reader_attach_chunks(r, o->body);
}
