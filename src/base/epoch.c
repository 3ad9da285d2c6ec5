/*
 * A clock ticks with each retirement. A reader shows the time at which it
 * entered; what was retired at a time earlier than all those shown can have no
 * reader left: he would have found it before it was taken out, hence shown a
 * time no later than that of its retirement.
 */
#include "base/epoch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { THREADS_MAX = 256 };

#define OUTSIDE UINT64_MAX

struct slot {
	_Alignas(64) _Atomic uint64_t seen; /* OUTSIDE, or the time of entry */
	_Atomic bool taken;
};

struct retired {
	uint64_t at;
	void *p;
	void (*fn)(void *p);
};

static struct slot slots[THREADS_MAX];
static _Atomic unsigned nslots; /* ever taken */
static _Atomic uint64_t now = 1;
static _Thread_local struct slot *self;
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards limbo:
					removals are rare beside reads */
static struct {
	struct retired *v; /* owned: a ring of cap, oldest at head */
	size_t head, n, cap;
} limbo;

static void
give_back(void *slot)
{
	atomic_store(&((struct slot *)slot)->taken, false);
}

static void
make_key(void)
{
	CHECK(pthread_key_create(&at_exit, give_back) == 0);
}

static struct slot *
take_slot(void)
{
	pthread_once(&once, make_key);
	for (unsigned i = 0; i < THREADS_MAX; i++) {
		unsigned n = atomic_load(&nslots);

		if (atomic_exchange(&slots[i].taken, true))
			continue;
		atomic_store(&slots[i].seen, OUTSIDE);
		while (n < i + 1 &&
			!atomic_compare_exchange_weak(&nslots, &n, i + 1))
			;
		CHECK(pthread_setspecific(at_exit, &slots[i]) == 0);
		return &slots[i];
	}
	check_failed("a slot is free", __FILE__, __LINE__, __func__);
}

void
epoch_enter(void)
{
	if (!self)
		self = take_slot();
	atomic_store(&self->seen, atomic_load(&now));
}

void
epoch_leave(void)
{
	atomic_store_explicit(&self->seen, OUTSIDE, memory_order_release);
}

static uint64_t
earliest_reader(void)
{
	uint64_t earliest = OUTSIDE;
	unsigned n = atomic_load(&nslots);

	for (unsigned i = 0; i < n; i++) {
		uint64_t seen = atomic_load(&slots[i].seen);

		if (seen < earliest)
			earliest = seen;
	}
	return earliest;
}

static void
grow_locked(void)
{
	size_t cap = limbo.cap ? 2 * limbo.cap : 256;
	struct retired *v = xmalloc(cap * sizeof(*v));

	for (size_t i = 0; i < limbo.n; i++)
		v[i] = limbo.v[(limbo.head + i) % limbo.cap];
	free(limbo.v);
	limbo.v = v;
	limbo.head = 0;
	limbo.cap = cap;
}

/* Frees what was retired before the time. */
static void
free_before(uint64_t time)
{
	struct retired r;
	bool found;

	do {
		pthread_mutex_lock(&lock);
		found = limbo.n && limbo.v[limbo.head].at < time;
		if (found) {
			r = limbo.v[limbo.head];
			limbo.head = (limbo.head + 1) % limbo.cap;
			limbo.n--;
		}
		pthread_mutex_unlock(&lock);
		if (found)
			r.fn(r.p);
	} while (found);
}

void
epoch_retire(void *p, void (*fn)(void *p))
{
	pthread_mutex_lock(&lock);
	if (limbo.n == limbo.cap)
		grow_locked();
	limbo.v[(limbo.head + limbo.n++) % limbo.cap] =
		(struct retired){atomic_fetch_add(&now, 1), p, fn};
	pthread_mutex_unlock(&lock);
	free_before(earliest_reader());
}

void
epoch_drain(void)
{
	free_before(OUTSIDE);
	free(limbo.v);
	limbo.v = NULL;
	limbo.head = limbo.cap = 0;
}
