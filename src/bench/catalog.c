/* See catalog.h. */
#include "bench/catalog.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/content.h"
#include "bench/trace.h"

#include <errno.h>
#include <string.h>

/* Doubles an array's room when it is full. */
#define GROW(array, n, cap)                                          \
	do {                                                         \
		if ((n) < (cap))                                     \
			break;                                       \
		(cap) = (cap) ? 2 * (cap) : 256;                     \
		(array) = xrealloc(array, (cap) * sizeof(*(array))); \
	} while (0)

uint64_t
catalog_status_seed(unsigned status)
{
	char name[16];
	int n = snprintf(name, sizeof(name), "%u", status);

	return content_seed(str_of(name, (size_t)n));
}

/* The slot of the target's object, or the empty one where it belongs. */
static uint32_t *
slot_of(const struct catalog *c, struct str target, uint64_t seed)
{
	size_t i = (size_t)seed & (c->nslots - 1);

	while (c->slots[i] &&
		!str_eq(c->objects[c->slots[i] - 1].target, target))
		i = (i + 1) & (c->nslots - 1);
	return &c->slots[i];
}

static void
rehash(struct catalog *c)
{
	free(c->slots);
	c->nslots = c->nslots ? 2 * c->nslots : 1024;
	c->slots = xcalloc(c->nslots, sizeof(*c->slots));
	for (size_t i = 0; i < c->nobjects; i++)
		*slot_of(c, c->objects[i].target, c->objects[i].seed) =
			(uint32_t)i + 1;
}

static uint32_t
find_or_add(struct catalog *c, struct str target)
{
	uint64_t seed = content_seed(target);

	if (2 * (c->nobjects + 1) > c->nslots)
		rehash(c);
	uint32_t *slot = slot_of(c, target, seed);
	if (!*slot) {
		GROW(c->objects, c->nobjects, c->objects_cap);
		c->objects[c->nobjects] = (struct object){
			.target = arena_copy(&c->arena, target),
			.seed = seed,
		};
		*slot = (uint32_t)++c->nobjects;
	}
	return *slot - 1;
}

const struct object *
catalog_find(const struct catalog *c, struct str target)
{
	uint32_t *slot =
		c->nslots ? slot_of(c, target, content_seed(target)) : NULL;

	return slot && *slot ? &c->objects[*slot - 1] : NULL;
}

uint32_t
catalog_add(struct catalog *c, struct str target, uint64_t bytes)
{
	uint32_t i = find_or_add(c, target);
	struct object *o = &c->objects[i];

	o->bytes = bytes;
	o->status = 200;
	o->known = true;
	return i;
}

static bool
is_origins_own(unsigned status)
{
	switch (status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
	case 403:
	case 404:
	case 410:
	case 500:
	case 501:
	case 503: return true;
	default: return false;
	}
}

/* What one more entry of the log tells of the object. */
static void
learn(struct object *o, const struct trace_entry *l)
{
	if (l->status / 100 == 2) {
		if (!o->known || l->bytes > o->bytes)
			o->bytes = l->bytes;
		o->known = true;
		o->status = 200;
	} else if (l->status == 304 || l->status == 0) {
		o->status = 200;
	} else if (o->status == 0) {
		o->status = is_origins_own(l->status) ? l->status : 404;
	}
}

static enum method
method_of(struct str name)
{
	if (str_eq(name, STR("GET")))
		return METHOD_GET;
	if (str_eq(name, STR("HEAD")))
		return METHOD_HEAD;
	if (str_eq(name, STR("POST")))
		return METHOD_POST;
	return METHOD_OTHER;
}

static void
add_entry(struct catalog *c, enum trace_format f, const struct trace_entry *e,
	struct buf *target)
{
	enum method method = method_of(e->method);

	if (method == METHOD_OTHER) {
		c->other_methods++;
		return;
	}
	buf_consume(target, buf_len(target));
	if (!trace_target(f, e, target)) {
		c->unsendable++;
		return;
	}
	c->conditional += e->status == 304;
	uint32_t object = find_or_add(c, buf_view(target));
	learn(&c->objects[object], e);
	GROW(c->requests, c->nrequests, c->requests_cap);
	c->requests[c->nrequests++] = (struct catalog_request){object, method};
}

/* The whole log has been seen: what it left open is decided. */
static void
settle(struct object *o)
{
	if (o->status != 200) {
		o->bytes = CATALOG_STATUS_BYTES;
		o->seed = catalog_status_seed(o->status);
	} else if (!o->known) {
		o->bytes = CATALOG_UNKNOWN_BYTES;
	}
}

/* More of the log into in; false at its end. */
static bool
read_more(FILE *log, struct buf *in)
{
	char *room = buf_reserve(in, TRACE_ENTRY_MAX);
	size_t n = fread(room, 1, TRACE_ENTRY_MAX, log);

	buf_commit(in, n);
	return n > 0;
}

/* All entries of what is there so far. */
static void
add_entries(struct catalog *c, enum trace_format f, struct buf *in, bool at_end,
	struct buf *target)
{
	struct trace_entry e;
	enum trace_result r;
	size_t used;

	while ((r = trace_next(f, buf_view(in), at_end, &e, &used)) !=
		TRACE_MORE) {
		if (r == TRACE_ENTRY)
			add_entry(c, f, &e, target);
		else
			c->unreadable++;
		buf_consume(in, used);
	}
}

int
catalog_read(struct catalog *c, FILE *log, const enum trace_format *format)
{
	struct buf in = {0}, target = {0};
	bool more = read_more(log, &in);
	enum trace_format f = format ? *format : trace_detect(buf_view(&in));

	while (more) {
		add_entries(c, f, &in, false, &target);
		more = read_more(log, &in);
	}
	add_entries(c, f, &in, true, &target);
	buf_fini(&in);
	buf_fini(&target);
	for (size_t i = 0; i < c->nobjects; i++)
		settle(&c->objects[i]);
	return ferror(log) ? -EIO : 0;
}

void
catalog_fini(struct catalog *c)
{
	free(c->objects);
	free(c->requests);
	free(c->slots);
	arena_fini(&c->arena);
}
