#pragma once
/*
 * struct asker: whoever caused something that is under way (a fetch, a question
 * to a peer), for as long as both are there and in the same thread: what the
 * other end says that is for him alone goes to him. Either may go first.
 */
#include "base/str.h"

#include <stddef.h>

struct tunnel;

struct asker {
	struct asker **slot; /* borrowed: where he is kept; NULL: nowhere */
	/* An interim answer (1xx): a whole head, as it is passed on. */
	void (*on_interim)(struct asker *a, unsigned status, struct str head);
	/* The connection to the other end is his now: t is to be freed. */
	void (*on_tunnel)(struct asker *a, struct tunnel *t);
};

static inline void
asker_join(struct asker *a, struct asker **slot)
{
	a->slot = slot;
	*slot = a;
}

/* He leaves, or the other end does. Harmless when that has happened. */
static inline void
asker_leave(struct asker *a)
{
	if (a && a->slot) {
		*a->slot = NULL;
		a->slot = NULL;
	}
}
