#pragma once
/*
 * struct members: who is in the cluster, as the balancer knows it. It begins
 * with the configuration's nodes, and then asks the nodes in turn, several
 * times a second, for their census (placement/census.h) by HTTP at status_port.
 * Rosters merge, so whichever node is asked, news that one of them has arrives.
 *
 * A member that is drained, or has left, has the weight 0: it keeps the
 * connections that it has and gets no others.
 */
#include "net/loop.h"
#include "placement/roster.h"

#include <netinet/in.h>

struct conf;
struct members;

struct members_user {
	void *ctx;
	/* The roster has changed; those it had keep their indexes. */
	void (*on_news)(void *ctx, const struct roster *r);
	/* A node finds that member down, and did not so far. */
	void (*on_suspect)(void *ctx, size_t i);
	/* Shall it be asked? */
	bool (*is_up)(void *ctx, size_t i);
};

struct members *members_new(
	struct loop *l, const struct conf *c, const struct members_user *user);
void members_free(struct members *m); /* NULL is fine */
const struct roster *members_roster(const struct members *m);
