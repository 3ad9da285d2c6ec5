#pragma once
/*
 * struct lost: the clients of nodes that are lost. Who waits for an answer says
 * nothing by himself, so he would wait for ever: he is sent a segment that
 * makes his kernel say where it is (a tickle: it acknowledges nothing, and
 * can't be part of what he got). What he says then goes to another node by now,
 * which resets the connection with the right numbers, that only he knew.
 *
 * That is done when the node has been down for a while, once, bit by bit, and
 * for the cluster's service. It takes CAP_NET_RAW; without it nothing is sent.
 */
#include <stdint.h>

struct lost;
struct program;

/* NULL: the driver is IPVS, whose flows we don't see. */
struct lost *lost_new(struct program *p);
void lost_free(struct lost *l); /* NULL is fine, as for all here */
/* Now and then. */
void lost_tick(struct lost *l);
/* Clients that were asked, ever. */
uint64_t lost_count(const struct lost *l);
