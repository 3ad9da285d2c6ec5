#pragma once
/*
 * struct inflow: an answer that comes in pieces on the channel to a peer, as a
 * flight that is written here, within the credit that its reader's progress
 * gives the peer. It ends, and its question with it, when the peer has said
 * all, or fails, or nobody reads it any more.
 */
#include "proxy/exchange.h"

struct ask;
struct inflow;
struct peer;

/* What answers that question, whose head is r: a->x follows it, and a->inflow
 * is it from now on. */
void inflow_start(struct peer *p, struct ask *a, const struct response *r);
/* Bytes of the body. False: there may not be as many. */
bool inflow_data(struct inflow *i, struct str payload);
/* It is complete; its trailers. False: it is not. */
bool inflow_done(struct inflow *i, struct str trailers);
/* There will be no more of it. */
void inflow_fail(struct inflow *i, unsigned status, const char *why);
