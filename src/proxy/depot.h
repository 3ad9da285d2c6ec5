#pragma once
/*
 * struct depot: the bulk connections that go with a channel which a peer opened
 * to us: on them we send it large bodies, from memory that allows it without a
 * copy. There is nothing else on them: the channel says which body comes on
 * which connection, and when the peer has taken it.
 *
 * The peer dials as many as it wants, of which each is for one body at a time.
 * Each has a number, which is good once, and the ticket that goes with it.
 * A connection that has long had nothing to do is closed from here, so that
 * none is closed while a body is on its way to it.
 */
#include "handoff/seal.h"
#include "proxy/exchange.h"
#include "proxy/hello.h"

struct depot;

/* Of a channel that the peer dialled. */
struct depot *
depot_open(struct worker *w, size_t peer, const struct tickets *tickets);
/* Ends all that is under way. NULL is fine. */
void depot_close(struct depot *d);
/* From any thread: fd, which is taken over, came with that hello. */
void depot_deliver(struct node *n, size_t peer, const struct hello *h, int fd);

/* The number of a connection that is free; 0: none is. */
uint32_t depot_find(const struct depot *d);
/* There it sends x's content, which is of that length, and then ends x. If it
 * turns out not to be, the connection is closed. */
void depot_send(
	struct depot *d, uint32_t number, struct exchange *x, uint64_t length);
/* The peer has taken what was sent there. False when nothing was. */
bool depot_free(struct depot *d, uint32_t number);
