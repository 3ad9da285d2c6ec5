#include "cache/sieve.h"

#include "base/check.h"

void
sieve_init(struct sieve *v)
{
	*v = (struct sieve){0};
	pthread_mutex_init(&v->lock, NULL);
	list_init(&v->objects);
}

void
sieve_fini(struct sieve *v)
{
	CHECK(list_empty(&v->objects));
	pthread_mutex_destroy(&v->lock);
}

void
sieve_add(struct sieve *v, struct object *o)
{
	pthread_mutex_lock(&v->lock);
	list_push_front(&v->objects, &o->sieve);
	v->count++;
	pthread_mutex_unlock(&v->lock);
}

void
sieve_drop(struct sieve *v, struct object *o)
{
	pthread_mutex_lock(&v->lock);
	if (v->hand == &o->sieve)
		v->hand = o->sieve.prev;
	list_remove(&o->sieve);
	v->count--;
	pthread_mutex_unlock(&v->lock);
}

enum { STEPS = 256 }; /* of the hand at a time: others wait for the lock */

/* What becomes of o, now that the hand is there? */
static enum sieve_result
judge(struct object *o)
{
	if (!atomic_exchange_explicit(&o->visited, false, memory_order_relaxed))
		return SIEVE_EVICT;
	return object_is_in_the_way(o) ? SIEVE_MOVE : SIEVE_PASSED;
}

enum sieve_result
sieve_next(struct sieve *v, struct object **out)
{
	enum sieve_result r;
	struct list *at;

	pthread_mutex_lock(&v->lock);
	at = v->hand ? v->hand : v->objects.prev;
	r = v->count ? SIEVE_PASSED : SIEVE_EMPTY;
	for (int i = 0; i < STEPS && r == SIEVE_PASSED; i++, at = at->prev)
		if (at != &v->objects)
			r = judge(container_of(at, struct object, sieve));
	if (r == SIEVE_EVICT || r == SIEVE_MOVE)
		*out = object_ref(container_of(at->next, struct object, sieve));
	v->hand = at;
	pthread_mutex_unlock(&v->lock);
	return r;
}

struct object *
sieve_any(struct sieve *v)
{
	struct list *at = v->objects.next;

	return list_empty(&v->objects) ? NULL
				       : container_of(at, struct object, sieve);
}
