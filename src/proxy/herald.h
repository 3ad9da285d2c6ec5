#pragma once
/*
 * struct herald: tells the balancers at once of connections that other nodes
 * have just given to this worker (handoff/notice.h): those of a turn of the
 * loop in one datagram, before anything is said to their clients. Where links
 * are scarce only: elsewhere it costs more than to forward what clients say of
 * short answers.
 *
 * struct hearers: the balancers that have asked of late whose connections we
 * have (handoff/claims.h), and said where they want to hear. One per node; any
 * thread may call these.
 */
#include "handoff/claims.h"
#include "proxy/worker.h"

struct hearers;
struct herald;

/* NULL: there is no socket to tell them by. */
struct hearers *hearers_new(const struct node_config *config);
void hearers_free(struct hearers *hs); /* NULL is fine */
/* Whoever put that question is one, for a while. */
void hearers_note(
	struct hearers *hs, const struct claims_question *q, uint64_t now_ns);

struct herald *herald_new(struct worker *w);
void herald_free(struct herald *h); /* NULL is fine */
/* w has it from giver. */
void herald_tell(struct herald *h, const struct claim *c, struct in_addr giver);
