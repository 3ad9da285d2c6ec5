#pragma once
/*
 * struct object: a stored response. It does not change once it is made, but
 * for its links in the store; what a 304 renews is made anew around the same
 * body. Reference-counted; any thread may hold one.
 *
 * One allocation holds the struct, its key, the head's fields, and a body of
 * up to OBJECT_FLAT bytes; a larger one stays in the chunks that it came in.
 */
#include "cache/flight.h"
#include "cache/response.h"

enum {
	OBJECT_FLAT = 16 * 1024,
	OBJECT_TEXT = UINT16_MAX, /* bytes of key, selector, fields each */
};

struct object {
	/* the store's */
	struct object *_Atomic chain;
	struct list sieve; /* guarded by the sieve's lock */
	uint64_t hash;
	_Atomic unsigned refs;
	_Atomic bool visited;
	_Atomic bool outdated; /* purged softly: as if its lifetime were over */
	bool stored;	       /* guarded by the shard's lock */

	/* what it is */
	bool flat;
	uint16_t status;
	uint16_t key_bytes, selector_bytes, fields_bytes;
	uint32_t serial; /* of the flight that brought it */
	uint32_t born_s; /* as in struct response */
	struct stored_freshness fresh;
	uint64_t length;
	struct chunk *body;    /* counted; NULL: behind the fields */
	struct budget *budget; /* borrowed */
	char data[];	       /* key, selector, fields, body */
};

static_assert(sizeof(struct object) <= 96, "there are millions of them");

struct str object_flat(const struct object *o); /* a flat one's body */
/* Of a flight whose body is complete and kept, with one reference. */
struct object *object_of_flight(struct flight *f);
/* old's body under another head, which selects so. */
struct object *object_renewed(const struct object *old, struct str selector,
	const struct response *r);
/* It stays, but its memory is wanted back; then this is it in other memory. */
bool object_is_in_the_way(const struct object *o);
struct object *object_moved(const struct object *o);
/* One that no flight has brought. */
struct object *object_new(struct budget *budget, struct str key, uint64_t hash,
	const struct response *r, struct str body);
/* No response, but the memory that those for this key are not stored. */
struct object *object_mark(struct budget *budget, struct str key, uint64_t hash,
	int64_t now_s, uint32_t lifetime_s);
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* NULL is fine */

/* Seconds since it was made, or since its lifetime ended if it is outdated. */
int64_t object_age_s(const struct object *o, int64_t now_s);
size_t object_bytes(const struct object *o); /* all that is freed with it */
void object_response(const struct object *o, struct response *out);
/* Reads the body from its start. The reader must not outlive o. */
void object_read(const struct object *o, struct reader *r);

static inline bool
object_is_mark(const struct object *o)
{
	return o->status == 0;
}

/* What its Vary selects: see http/vary.h. */
static inline struct str
object_selector(const struct object *o)
{
	return str_of(o->data + o->key_bytes, o->selector_bytes);
}

static inline struct str
object_fields(const struct object *o)
{
	return str_of(
		o->data + o->key_bytes + o->selector_bytes, o->fields_bytes);
}

static inline struct str
object_key(const struct object *o)
{
	return str_of(o->data, o->key_bytes);
}
