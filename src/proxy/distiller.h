#pragma once
/*
 * struct distiller: a worker's helper process (prog/distiller.c), and the
 * orders that wait for it. The process is started when there is something to
 * do, and again after it has died; whatever becomes of it, each order ends:
 * its flight gets a result, which is stored, or fails, and then a mark says
 * for how long the result is not asked for again.
 */
#include "distill/recipe.h"
#include "proxy/worker.h"

struct distiller;

struct distiller *distiller_new(struct worker *w);
/* Fails all that is under way, ends the process. NULL is fine. */
void distiller_free(struct distiller *d);
struct distiller_job {
	struct order order;	 /* its id and bytes are the distiller's */
	struct object *original; /* what is stored */
	/* To be filled: of store_board(), for the result's key. */
	struct flight *flight;
	/* For how long such a job was given up before; 0: it is the first. */
	uint32_t gave_up_s;
};

/* Nothing is taken over. */
void distiller_take(struct distiller *d, const struct distiller_job *job);
