#pragma once
/*
 * struct resolver: names to IPv4 addresses, by c-ares, on a loop. Answers are
 * kept for a while; asking twice for a name that is being looked up waits for
 * the one lookup.
 */
#include "base/str.h"
#include "net/loop.h"

#include <netinet/in.h>

struct resolver;

/* One question; the caller's, and it may be cancelled at any time. */
struct dns_query {
	struct list link;
	/* status: 0, -ENOENT (no such name), -ETIMEDOUT, -EIO */
	void (*on_answer)(struct dns_query *q, int status, struct in_addr addr);
};

struct resolver *resolver_new(struct loop *l);
void resolver_free(struct resolver *r);
/* The answer comes by on_answer(), before this returns when it is known or
 * name is an address. name is copied. */
void resolver_ask(struct resolver *r, struct str name, struct dns_query *q);
void dns_query_cancel(struct dns_query *q);
