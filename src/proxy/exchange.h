#pragma once
/*
 * struct exchange: one request and what answers it. It decides where the
 * answer comes from: our cache, a fetch that is under way or that it starts
 * (proxy/lookup.h), the owner among our peers, or past all caches from the
 * origin; and decides anew when a peer is lost before it answered.
 *
 * Whoever has the request (a client's connection or a peer's channel) gets an
 * exchange, parses the request's head into it, starts it, is told through
 * on_ready() that there is more to see, reads the answer when exchange_phase()
 * says so, and ends it when done or no longer interested. An answer that
 * nobody reads any more ends itself.
 *
 * The head is borrowed from where it was parsed until exchange_keep(): what is
 * answered at once is never copied.
 */
#include "handoff/move.h"
#include "http/cachectl.h"
#include "placement/place.h"
#include "proxy/asker.h"
#include "proxy/content.h"
#include "proxy/rendition.h"
#include "proxy/route.h"
#include "proxy/worker.h"

enum exchange_from {
	FROM_US, /* an error of ours */
	FROM_HIT,
	FROM_JOIN, /* a fetch that another request caused */
	FROM_MISS, /* ... that this one did */
	FROM_PASS, /* the origin, past the cache */
	FROM_PEER,
};

/* Why what is stored was not good enough (RFC 9211, 2.2). */
enum exchange_why {
	WHY_URI_MISS,
	WHY_VARY_MISS,
	WHY_STALE,
	WHY_REQUEST,
	WHY_PARTIAL,
	WHY_BYPASS, /* the cache is another one's */
};

/* Between nodes there are also questions that are no client's: see fill.h. */
enum exchange_fill {
	FILL_NONE,
	FILL_ASKS,    /* ours: a peer is asked, whatever its ranking */
	FILL_CACHED,  /* the same, for what it has stored */
	FILL_WARMS,   /* ours: the owner is asked, so that he has it */
	FILL_ANSWERS, /* a peer's: we ask no other */
};

enum exchange_phase {
	EXCHANGE_WAITING,
	EXCHANGE_READY, /* the response is known, its body can be read */
	EXCHANGE_FAILED,
};

struct exchange {
	struct worker *worker; /* borrowed */
	struct arena arena;
	const char *raw; /* what head's slices point into: borrowed, or from
			    exchange_keep() on in the arena */
	struct route route;
	struct place_key placed; /* ... and where that is, see owner.h */
	struct in6_addr client;	 /* IPv4 is mapped */
	size_t asked_by;	 /* from_peer: by this one */
	bool from_peer;
	bool tls; /* see exchange_by_tls() */
	bool kept;
	bool stay;	 /* another node gave us the request */
	bool moving;	 /* its connection is on its way there */
	bool offered;	 /* its connection, too: whoever answers counts it */
	bool upgrade;	 /* to another protocol, if the origin agrees */
	bool asks;	 /* for a client of ours, which is yet to be counted */
	bool counted;	 /* in worker->answers */
	bool redirected; /* a peer has said who owns it */
	enum exchange_fill fill;
	const struct range *part; /* borrowed: FILL_ASKS, FILL_CACHED for this
				     part only; NULL: the whole */
	int elsewhere;		  /* FAILED, since this node owns it; -1 */
	uint64_t passed_over;	  /* peers that were lost: a bit per index */
	uint64_t declined;	  /* ... that lack what they once owned */
	size_t owner;		  /* FROM_PEER: whom we asked */
	uint32_t stream;	  /* ... and how this is called there */
	bool asking;		  /* ... where nothing was said yet */

	struct cachectl asked;
	enum exchange_from from;
	enum exchange_why why;	  /* FROM_JOIN, FROM_MISS */
	bool known;		  /* the answer is, as content and response */
	bool by_parts;		  /* flight is a part of the answer, if it is
				     one: see parts.h */
	struct flight *flight;	  /* counted; the answer is on its way */
	struct object *object;	  /* counted; the answer is stored */
	unsigned instead_of;	  /* see struct flight */
	unsigned misled;	  /* how often what we joined was not for us */
	struct response response; /* the object's, or lent by its owner */
	struct route_error error; /* ours, FROM_US */

	/* A request's body on its way, written by whoever has the request;
	 * counted; NULL when there is none. */
	struct flight *upload;
	struct content content; /* what is behind the answer's head */
	struct rendition rendition;
	struct wake wake;
	struct timer timer;    /* a wait for somebody else's fetch */
	struct asker asker;    /* of what we started ourselves */
	struct tunnel *tunnel; /* owned; READY as a tunnel, with 101 or 200 */
	void *user;	       /* whoever has the request */
	void (*on_ready)(struct exchange *x);
	/* An interim answer (1xx), whole; NULL: not wanted. */
	void (*on_interim)(
		struct exchange *x, unsigned status, struct str head);
	/* Its connection could be given to p, who owns what it asks for, and
	 * wants it (or has not been asked): begins that. False: it is not.
	 * NULL: it never is. */
	bool (*on_owner)(struct exchange *x, struct peer *p, bool wants);
	/* While it is moving: what p has done. */
	void (*on_move)(struct exchange *x, enum move_event e);
	/* At the end, since most of its 4 KB is never looked at: all else is
	 * in neighbouring cache lines. */
	struct head head;
};

/* One to parse a head into. */
struct exchange *exchange_get(struct worker *w);
/* Before it starts: whoever is in front of us has it by TLS from its client, by
 * its own account, and not by what the client wrote. */
void exchange_by_tls(struct exchange *x);
/* raw: where the head was parsed from. Finds the answer, perhaps at once;
 * on_ready() is never called before this returns. */
void exchange_start(struct exchange *x, const char *raw);
/* The same for a head of ours that only that peer, who must be up, is asked
 * about. cached: for what he has stored. */
void
exchange_fill(struct exchange *x, struct peer *p, size_t index, bool cached);
/* The head's bytes are about to go. */
void exchange_keep(struct exchange *x);
void exchange_put(struct exchange *x); /* ends it; NULL is fine */

/* WAITING as well when what was waited for turned out not to be the answer,
 * and another one is about to take its place. */
enum exchange_phase exchange_phase(const struct exchange *x);
const struct response *exchange_response(const struct exchange *x); /* READY */
/* Why it FAILED, or the body did; with a status below 400, the answer to an
 * OPTIONS that is for us. */
struct route_error exchange_error(const struct exchange *x);
/* READY, and its answer is about to be sent, with a body of that size: counts
 * it for heat.h, if it is we who answer. */
void exchange_tally(struct exchange *x, uint64_t bytes);
/* What came behind the body, "Name: value\r\n" each; once that is DONE. */
struct str exchange_trailers(const struct exchange *x);
/* Answers with an error of ours instead. */
void exchange_refuse(struct exchange *x, unsigned status, const char *why);

/* --- what it reads from now on, instead of what it read ------------------ */
/* f's reference is taken over. -ESTALE: too late to read it. */
int exchange_read_flight(
	struct exchange *x, struct flight *f, enum exchange_from from);
/* o's reference is taken over. */
void exchange_read_object(
	struct exchange *x, struct object *o, enum exchange_from from);

/* --- what the peer that was asked says ----------------------------------- */
/* All of the answer. What it consists of is the caller's, and copied if it is
 * needed when this returns. */
void
exchange_answer(struct exchange *x, const struct response *r, struct str body);
/* What is behind its head comes on b, where r->length bytes are to come. False
 * when b is in use. */
bool
exchange_splice(struct exchange *x, const struct response *r, struct bulk *b);
/* It comes in f, of which the reference is taken over. */
void exchange_follow(struct exchange *x, struct flight *f);
/* That there is none. */
void exchange_fail(struct exchange *x, unsigned status, const char *why);
/* That another node owns the key: he is asked. */
void exchange_redirected(struct exchange *x, size_t index);
/* Its connection has not been moved after all: the owner is asked. */
void exchange_stay(struct exchange *x);
/* Nothing more: it was lost. Another one is asked. */
void exchange_lost(struct exchange *x);

/* Frees what exchange_put() left for others. */
void exchange_drop_spares(struct worker *w);
