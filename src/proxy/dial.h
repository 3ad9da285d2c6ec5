#pragma once
/*
 * struct dial: gets a request its connection to an origin. It chooses one of
 * the site's origins, looks up its name, and takes an idle connection or makes
 * one; when that fails it goes on to the name's next address, then to the next
 * origin: until all have been tried that are well, or too long.
 *
 * It has the caller's ear until one of its callbacks, which may come before
 * the call returns. Whoever got a connection that brought no answer says so,
 * and may dial again if his request may be sent twice.
 */
#include "net/dns.h"
#include "net/sock.h"
#include "proxy/upstream.h"

struct origins;

/* Where to: the origins of a site, or else a host and port. */
struct dial_target {
	struct origins *origins; /* borrowed; NULL: host and port */
	int *turns;		 /* of the worker, for these origins */
	struct str host;	 /* read by dial_start() only */
	uint16_t port;
	bool fresh; /* no idle connection */
};

struct dial {
	struct worker *worker;	   /* borrowed */
	struct dial_target target; /* but its host */
	struct origin *origin;	   /* the one being tried; NULL: by host */
	uint64_t tried;		   /* a bit per origin of the target */
	unsigned connections;	   /* that were begun */
	uint64_t until_ns;	   /* nothing more is begun after that */
	struct dns_query query;
	struct dns_addrs addrs; /* of this origin */
	size_t next;		/* of the addresses */
	uint16_t port;
	struct upstream *up; /* owned while connecting */
	struct timer timer;  /* of this look-up or connection */
	bool fresh;	     /* the next connection is to be a new one */
	bool reused;	     /* the one that was got was idle */
	/* what went wrong last */
	unsigned status;
	const char *why; /* static */

	void *user;
	/* up is the user's: to be put back or closed. */
	void (*on_connected)(void *user, struct upstream *up);
	/* Nothing more to try; for a client who waits: */
	void (*on_failed)(void *user, unsigned status, const char *why);
};

/* user and callbacks are set, all else is zero. */
void
dial_start(struct dial *d, struct worker *w, const struct dial_target *target);
/* The connection ended before an answer: that counts against the origin, unless
 * it was an idle one, which the origin may close at any time. */
void dial_dead(struct dial *d, unsigned status, const char *why);
/* After dial_dead(). In place of an idle connection comes a new one to the
 * same address; of a new one, one to another origin. */
void dial_again(struct dial *d);
/* After an answer: a new connection to the same address. */
void dial_more(struct dial *d);
/* There was no answer in time. */
void dial_silent(struct dial *d, const char *why);
/* It brought an answer. */
void dial_answered(struct dial *d);
/* No callback will come. Harmless when none would. */
void dial_stop(struct dial *d);
/* "10.0.0.2:80": the address tried last. */
struct sock_text dial_text(const struct dial *d);
