#pragma once
/*
 * struct resolver: names to IPv4 addresses, by c-ares, on a loop. An answer is
 * kept for as long as its records say, one second to an hour; that there is no
 * such name, for two seconds. Asking twice for a name that is being looked up
 * waits for the one lookup.
 *
 * When name servers fail, what they said last is used for up to an hour more;
 * from the second time on without waiting for them.
 */
#include "base/str.h"
#include "net/loop.h"

#include <netinet/in.h>

struct resolver;

enum { DNS_ADDRS_MAX = 8 }; /* of a name; others are left out */

struct dns_addrs {
	size_t n;
	struct in_addr v[DNS_ADDRS_MAX]; /* in the name server's order */
};

/* One question; the caller's, and it may be cancelled at any time. */
struct dns_query {
	struct list link;
	/* status: 0, -ENOENT (no such name), -ETIMEDOUT, -EIO. addrs has at
	 * least one, and lives until this returns; NULL unless 0. */
	void (*on_answer)(
		struct dns_query *q, int status, const struct dns_addrs *addrs);
};

/* server: whom to ask, at which port; port 0: whom the system asks. */
struct resolver *
resolver_new(struct loop *l, struct in_addr server, uint16_t port);
void resolver_free(struct resolver *r);
/* The answer comes by on_answer(), before this returns when it is known or
 * name is an address. name is copied. */
void resolver_ask(struct resolver *r, struct str name, struct dns_query *q);
void dns_query_cancel(struct dns_query *q);
