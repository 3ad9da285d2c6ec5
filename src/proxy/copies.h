#pragma once
/*
 * struct copies: of what this node holds beside its owner, since it is hot, or
 * the owner was too busy. When it is not wanted any more (half a second after
 * the key was narrowed, later if there are hundreds), it goes. By the hashes of
 * keys; more than COPIES_MAX are left to eviction. All threads.
 */
#include "proxy/worker.h"

enum { COPIES_MAX = 4096 };

struct copy {
	uint64_t key;  /* as it is stored */
	size_t place;  /* whose ranking is its key's */
	unsigned cool; /* looks for which it was not wanted */
};

struct copies {
	pthread_mutex_t lock; /* guards all: a copy may come by any worker */
	struct copy v[COPIES_MAX];
	size_t n;
	size_t hand; /* whose turn it is to be looked at */
};

void copies_init(struct copies *c);
void copies_fini(struct copies *c);
void copies_note(struct copies *c, uint64_t key, size_t place);
/* Of so many objects that there are here, those that are no copies. */
uint64_t copies_leave(struct copies *c, uint64_t objects);
/* The first worker's, now and then: at some of them each time, if there are
 * many. */
void copies_look(struct copies *c, struct worker *w);
