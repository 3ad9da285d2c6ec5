#pragma once
/*
 * struct survey: one question to all peers that are up, whose answers are JSON.
 * It ends when all have answered or are lost, or a second has passed. Part of
 * whatever wants to know, which ends with it.
 */
#include "proxy/peer.h"

#include <jansson.h>

struct survey_peer {
	struct peer_call call;
	struct survey *survey; /* borrowed */
	json_t *said;	       /* owned; NULL: nothing */
};

struct survey {
	struct worker *worker; /* borrowed */
	struct timer timer;
	size_t missing;
	struct survey_peer peers[VIEW_MAX_NODES];
	void (*on_end)(struct survey *s);
};

/* All else is zero. ours, which is taken over, is what this node says. on_end()
 * is called once, perhaps at once; the caller then looks at what was said. */
void survey_start(struct survey *s, struct worker *w, json_t *ours,
	enum wire_type type, struct str question);
/* From on_end() on: what was said goes, and late answers are not heard. */
void survey_fini(struct survey *s);
