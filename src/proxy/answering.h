#pragma once
/*
 * A request that is being answered: its body comes in, and the answer goes out,
 * on one client's socket. Whoever has both is told, step by step, what has
 * become of it.
 */
#include "proxy/client.h"
#include "proxy/request.h"

enum answering {
	ANSWERING_WAIT,	  /* nothing can be moved for now */
	ANSWERING_MOVED,  /* something was; there may be more */
	ANSWERING_ENDED,  /* all of the answer is in the socket */
	ANSWERING_TUNNEL, /* q->x has a tunnel, which is to begin */
	ANSWERING_CUT,	  /* the answer can't be completed */
	ANSWERING_DROP,	  /* the client takes too little of it */
	ANSWERING_LOST,	  /* the connection is broken */
};

/* Before the first: writes what there is of the answer. True: it is all there,
 * and so small that others may be written before it is sent. */
bool answering_may_wait(struct request *q, struct client *c);
/* One step. A request without an exchange has its answer in the reply. */
enum answering answering_step(struct request *q, struct client *c);
/* The client's deadline has come. */
enum answering answering_late(struct request *q, struct client *c);
