#pragma once
/*
 * Handing over: a node that is drained asks the new owner of each key that it
 * has stored for it, who then comes to ask for what he has not (fill.h). So
 * the cluster loses nothing when it goes. The first worker's.
 */
#include "proxy/worker.h"

enum handover_state { HANDOVER_NONE, HANDOVER_UNDERWAY, HANDOVER_DONE };

/* The roster has changed: begins, or gives up, as we are drained or not. */
void handover_look(struct worker *w);
/* For the worker's end. */
void handover_stop(struct worker *w);
/* Any thread. given: objects so far; left: of those that it has found. */
enum handover_state
handover_state(const struct node *n, uint64_t *given, uint64_t *left);
