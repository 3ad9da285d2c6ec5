#include "cache/object.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

static void
account(struct object *o, size_t n)
{
	atomic_fetch_add_explicit(
		&o->body.budget->used_bytes, n, memory_order_relaxed);
}

struct object *
object_new(struct budget *budget)
{
	struct object *o = NEW(struct object);

	atomic_init(&o->refs, 1);
	body_init(&o->body, budget, true);
	list_init(&o->sieve);
	account(o, sizeof(*o));
	return o;
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
	CHECK(!o->stored);
	atomic_fetch_sub_explicit(&o->body.budget->used_bytes,
		sizeof(*o) + o->key_bytes + o->head.fields.n,
		memory_order_relaxed);
	body_fini(&o->body);
	free((char *)o->head.fields.p);
	free(o->key);
	free(o);
}

void
object_ready(struct object *o, const struct object_head *head)
{
	char *fields = xmalloc(head->fields.n);

	CHECK(object_phase(o) == OBJECT_WAITING);
	if (head->fields.n > 0)
		memcpy(fields, head->fields.p, head->fields.n);
	o->head = *head;
	o->head.fields.p = fields;
	account(o, head->fields.n);
	atomic_store_explicit(&o->phase, OBJECT_READY, memory_order_release);
	body_notify(&o->body);
}

void
object_fail(struct object *o, unsigned status, const char *error)
{
	o->error_status = status;
	o->error = error;
	if (object_phase(o) == OBJECT_WAITING)
		atomic_store_explicit(
			&o->phase, OBJECT_FAILED, memory_order_release);
	body_end(&o->body, BODY_FAILED);
}
