#include "proxy/copies.h"

#include "base/epoch.h"
#include "proxy/heat.h"
#include "proxy/owner.h"
#include "proxy/peer.h"
#include "proxy/segment.h"

enum {
	COOL_LOOKS = 2,
	LOOK_AT = 256, /* at a time: a millisecond with 64 nodes */
};

void
copies_init(struct copies *c)
{
	pthread_mutex_init(&c->lock, NULL);
}

void
copies_fini(struct copies *c)
{
	pthread_mutex_destroy(&c->lock);
}

void
copies_note(struct copies *c, uint64_t key, size_t place)
{
	size_t i = 0;

	pthread_mutex_lock(&c->lock);
	while (i < c->n && c->v[i].key != key)
		i++;
	if (i == c->n && i < COPIES_MAX)
		c->v[c->n++] = (struct copy){key, place, 0};
	pthread_mutex_unlock(&c->lock);
}

/* Some of them may have been evicted since we looked. */
uint64_t
copies_leave(struct copies *c, uint64_t objects)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->n;
	pthread_mutex_unlock(&c->lock);
	return n < objects ? objects - n : 0;
}

static unsigned
width(const struct node *n, uint64_t key)
{
	unsigned r;

	epoch_enter();
	r = heat_width(n, key);
	epoch_leave();
	return r;
}

/* Are we among the first r in the ranking who are up? */
static bool
is_ours(struct worker *w, struct str key, size_t place)
{
	uint8_t ranking[VIEW_MAX_NODES];
	unsigned r = width(w->node, owner_hash(key, place));
	size_t n = owner_ranking(w, key, place, ranking);

	for (size_t i = 0; i < n && r > 0; i++) {
		struct peer *p = w->peers[ranking[i]];

		if (!p)
			return true;
		r -= peer_is_up(p);
	}
	return n == 0;
}

/* False when it has gone, by us or otherwise. */
static bool
keep_copy(struct worker *w, struct copy *c)
{
	struct object *o = store_find_hash(w->node->store, c->key);
	struct str key = o ? segment_whole_key(object_key(o)) : STR("");
	bool keep = o;

	if (o && is_ours(w, key, c->place))
		c->cool = 0;
	else if (o && ++c->cool == COOL_LOOKS) {
		store_remove(w->node->store, o);
		keep = false;
	}
	object_unref(o);
	return keep;
}

void
copies_look(struct copies *c, struct worker *w)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0, n = c->n; i < n && i < LOOK_AT; i++) {
		if (c->hand >= c->n)
			c->hand = 0;
		if (keep_copy(w, &c->v[c->hand]))
			c->hand++;
		else
			c->v[c->hand] = c->v[--c->n];
	}
	pthread_mutex_unlock(&c->lock);
}
