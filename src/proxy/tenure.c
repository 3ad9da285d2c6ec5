#include "proxy/tenure.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

enum { LONG_MS = 2000 };

struct tenure {
	struct list link; /* in fresh or lasting */
	struct claim claim;
	uint64_t since_ns;
	uint64_t number; /* of one that lasts */
};

struct tenures {
	/* Guards what follows: workers take connections, and the first one
	 * answers the balancer. */
	pthread_mutex_t lock;
	struct list fresh;   /* by since_ns */
	struct list lasting; /* by number */
	uint64_t last;
};

/* Numbers go on where an earlier process of this node can't have come to. */
struct tenures *
tenures_new(void)
{
	struct tenures *ts = NEW(struct tenures);
	struct timespec now;

	pthread_mutex_init(&ts->lock, NULL);
	list_init(&ts->fresh);
	list_init(&ts->lasting);
	clock_gettime(CLOCK_REALTIME, &now);
	ts->last = (uint64_t)now.tv_sec * NS_PER_S;
	return ts;
}

static void
free_all(struct list *list)
{
	list_foreach_safe (it, list)
		free(container_of(it, struct tenure, link));
}

void
tenures_free(struct tenures *ts)
{
	if (!ts)
		return;
	free_all(&ts->fresh);
	free_all(&ts->lasting);
	pthread_mutex_destroy(&ts->lock);
	free(ts);
}

struct tenure *
tenure_begin(struct tenures *ts, const struct claim *c, uint64_t now_ns)
{
	struct tenure *t = NEW(struct tenure);

	t->claim = *c;
	t->since_ns = now_ns;
	pthread_mutex_lock(&ts->lock);
	list_push_back(&ts->fresh, &t->link);
	pthread_mutex_unlock(&ts->lock);
	return t;
}

void
tenure_end(struct tenures *ts, struct tenure *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&ts->lock);
	list_remove(&t->link);
	pthread_mutex_unlock(&ts->lock);
	free(t);
}

uint64_t
tenures_number(struct tenures *ts)
{
	uint64_t number;

	pthread_mutex_lock(&ts->lock);
	number = ++ts->last;
	pthread_mutex_unlock(&ts->lock);
	return number;
}

static void
number_those_that_last(struct tenures *ts, uint64_t now_ns)
{
	list_foreach_safe (it, &ts->fresh) {
		struct tenure *t = container_of(it, struct tenure, link);

		if (t->since_ns + LONG_MS * NS_PER_MS > now_ns)
			break;
		list_remove(it);
		t->number = ++ts->last;
		list_push_back(&ts->lasting, it);
	}
}

/* The last one that is known to whoever asks; looked for from the end, since
 * mostly little is new. */
static struct list *
known(struct tenures *ts, uint64_t since)
{
	struct list *it = ts->lasting.prev;

	while (it != &ts->lasting &&
		container_of(it, struct tenure, link)->number > since)
		it = it->prev;
	return it;
}

static void
claim(struct tenures *ts, uint64_t since, struct claims *out)
{
	/* He knows of later ones: of an earlier process, by another clock. */
	struct list *it = since > ts->last ? &ts->lasting : known(ts, since);

	for (it = it->next; it != &ts->lasting; it = it->next) {
		const struct tenure *t = container_of(it, struct tenure, link);

		if (out->n == CLAIMS_MAX)
			return;
		out->v[out->n++] = t->claim;
		out->last = t->number;
	}
	out->last = ts->last;
}

void
tenures_claim(
	struct tenures *ts, uint64_t since, uint64_t now_ns, struct claims *out)
{
	out->n = 0;
	out->last = since;
	pthread_mutex_lock(&ts->lock);
	number_those_that_last(ts, now_ns);
	claim(ts, since, out);
	pthread_mutex_unlock(&ts->lock);
}
