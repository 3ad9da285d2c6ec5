#pragma once
/*
 * struct rumours: what the cluster's nodes have told of what they answer, each
 * the last time, this one among them. Any thread may hear and ask.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "placement/demand.h"
#include "proxy/news.h"

enum { RUMOURS = VIEW_MAX_NODES }; /* by member */

struct rumours {
	pthread_mutex_t lock; /* guards v */
	struct rumour {
		struct news news;
		uint64_t heard_ns; /* 0: never */
	} v[RUMOURS];
	/* The same, for those who ask for each request. */
	_Atomic uint32_t loads[RUMOURS];
	_Atomic uint64_t heard_ns[RUMOURS];
	_Atomic bool links_are_scarce;
};

void rumours_init(struct rumours *r);
void rumours_fini(struct rumours *r);

/* What that member says. Old news is ignored. */
void rumours_hear(struct rumours *r, size_t member, const struct news *news);
/* The load that it told last; false: nothing, or long ago. */
bool rumours_load(const struct rumours *r, size_t member, uint32_t *load);
/* How often it answers for the key, in requests a second; 0: it told nothing of
 * that. */
double rumours_rate(struct rumours *r, size_t member, uint64_t key);

/* All that is no older than it may be: the work that it is, counted in what is
 * scarce; in *m, what each node is asked for by clients, and what it has to do
 * besides. Returns the objects that are told of. */
uint64_t rumours_add_up(struct rumours *r, uint64_t now_ns, struct demand *out,
	struct demand_members *m);
/* Did most of them find then that it is links that there is too little of? */
bool rumours_links_are_scarce(const struct rumours *r);
