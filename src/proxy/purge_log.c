#include "proxy/purge_log.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"

enum { KEPT = 1024 };

#define NONE UINT64_MAX

struct entry {
	struct purge purge; /* what: owned */
};

struct purge_log {
	pthread_mutex_t lock; /* guards all: purges are few, and told by any
				 worker */
	struct entry entries[KEPT];	      /* by number, modulo KEPT */
	uint64_t next;			      /* number */
	uint64_t missed_from[VIEW_MAX_NODES]; /* NONE: the peer knows all */
};

struct purge_log *
purge_log_new(void)
{
	struct purge_log *l = NEW(struct purge_log);

	pthread_mutex_init(&l->lock, NULL);
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		l->missed_from[i] = NONE;
	return l;
}

void
purge_log_free(struct purge_log *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < KEPT; i++)
		free((char *)(uintptr_t)l->entries[i].purge.what.p);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

uint64_t
purge_log_add(struct purge_log *l, const struct purge *p)
{
	char *what = xstrndup(p->what.p, p->what.n);
	struct entry *e;
	uint64_t number;

	pthread_mutex_lock(&l->lock);
	number = l->next++;
	e = &l->entries[number % KEPT];
	free((char *)(uintptr_t)e->purge.what.p);
	e->purge = *p;
	e->purge.what.p = what;
	pthread_mutex_unlock(&l->lock);
	return number;
}

void
purge_log_missed(struct purge_log *l, size_t peer, uint64_t number)
{
	pthread_mutex_lock(&l->lock);
	if (number < l->missed_from[peer])
		l->missed_from[peer] = number;
	pthread_mutex_unlock(&l->lock);
}

/* What is to be told, copied, for fn is called without the lock. */
static size_t
copy_missed(struct purge_log *l, uint64_t from, struct purge *out)
{
	size_t n = 0;

	if (from == NONE)
		return 0;
	if (l->next - from > KEPT) {
		out[0] = (struct purge){
			.kind = PURGE_PREFIX, .what = str_z(xstrdup("http"))};
		return 1;
	}
	for (; from < l->next; from++) {
		out[n] = l->entries[from % KEPT].purge;
		out[n].what.p = xstrndup(out[n].what.p, out[n].what.n);
		n++;
	}
	return n;
}

void
purge_log_take_missed(
	struct purge_log *l, size_t peer, purge_log_fn fn, void *ctx)
{
	own_free struct purge *some = xcalloc(KEPT, sizeof(*some));
	uint64_t from;
	size_t n;

	pthread_mutex_lock(&l->lock);
	from = l->missed_from[peer];
	l->missed_from[peer] = NONE;
	n = copy_missed(l, from, some);
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < n; i++) {
		fn(ctx, &some[i], from + i);
		free((char *)(uintptr_t)some[i].what.p);
	}
}
