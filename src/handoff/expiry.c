#include "handoff/expiry.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST = 1024 }; /* a power of two, as its size always is */

struct expiry {
	uint64_t delay_ns;
	/* Guards what follows: each worker adds. */
	pthread_mutex_t lock;
	uint32_t last_id;
	struct expiry_flow *ring; /* owned */
	size_t size, head, n;
};

struct expiry *
expiry_new(uint64_t delay_ns)
{
	struct expiry *e = NEW(struct expiry);

	e->delay_ns = delay_ns;
	pthread_mutex_init(&e->lock, NULL);
	e->size = FIRST;
	e->ring = xcalloc(e->size, sizeof(*e->ring));
	return e;
}

void
expiry_free(struct expiry *e)
{
	if (!e)
		return;
	pthread_mutex_destroy(&e->lock);
	free(e->ring);
	free(e);
}

/* The part that has come around goes behind the rest. */
static void
grow(struct expiry *e)
{
	e->ring = xrealloc(e->ring, 2 * e->size * sizeof(*e->ring));
	for (size_t i = 0; i < e->head; i++)
		e->ring[e->size + i] = e->ring[i];
	e->size *= 2;
}

static void
push(struct expiry *e, const struct expiry_flow *f)
{
	if (e->n == e->size)
		grow(e);
	e->ring[(e->head + e->n++) & (e->size - 1)] = *f;
}

uint32_t
expiry_add(struct expiry *e, const struct handoff_key *key, uint64_t now_ns)
{
	struct expiry_flow f = {.key = *key, .due_ns = now_ns + e->delay_ns};

	pthread_mutex_lock(&e->lock);
	f.id = ++e->last_id;
	push(e, &f);
	pthread_mutex_unlock(&e->lock);
	return f.id;
}

void
expiry_again(struct expiry *e, struct expiry_flow f, uint64_t now_ns)
{
	f.due_ns = now_ns + e->delay_ns;
	pthread_mutex_lock(&e->lock);
	push(e, &f);
	pthread_mutex_unlock(&e->lock);
}

bool
expiry_next(struct expiry *e, uint64_t now_ns, struct expiry_flow *out)
{
	bool due;

	pthread_mutex_lock(&e->lock);
	due = e->n && e->ring[e->head].due_ns <= now_ns;
	if (due) {
		*out = e->ring[e->head];
		e->head = (e->head + 1) & (e->size - 1);
		e->n--;
	}
	pthread_mutex_unlock(&e->lock);
	return due;
}

size_t
expiry_count(struct expiry *e)
{
	size_t n;

	pthread_mutex_lock(&e->lock);
	n = e->n;
	pthread_mutex_unlock(&e->lock);
	return n;
}
